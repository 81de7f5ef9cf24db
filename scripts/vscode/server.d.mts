export interface Page {
  /** Opened as the workspace; without it the server's default folder. */
  readonly folder?: string;
  /** Opened in its default editor. */
  readonly file?: string;
  /** A folder loaded as an extension under development. */
  readonly extension?: string;
  /** A module, without its `.js`, whose `run()` is called inside the extension host. */
  readonly tests?: string;
}

export interface VsCodeServer {
  /** E.g. `http://127.0.0.1:41234`. */
  readonly origin: string;
  readonly port: number;
  /** The folder that holds its settings, extensions, state and log. */
  readonly home: string;
  /** Path of what it printed. */
  readonly log: string;
  readonly ended: Promise<void>;
  url(page?: Page): string;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Kept between runs; without it a temporary folder that `stop` removes. */
  readonly home?: string;
  /** 0 for any free one. */
  readonly port?: number;
  /** The workspace of an address that names none. */
  readonly folder?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Puts our extension, unpacked, into that new folder. */
  readonly extension?: (folder: string) => Promise<void>;
  /** Installed by VS Code's own installer before it starts. */
  readonly vsix?: string;
  /** Ask for a secret in the address. */
  readonly token?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly progress?: (line: string) => void;
}

/** The address of a workbench on a server that runs at `origin`; `secret` is its token, if it has one. */
export function workbenchUrl(origin: string, page?: Page, secret?: string): string;
export function startServer(options?: ServerOptions): Promise<VsCodeServer>;
