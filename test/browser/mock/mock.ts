import type { Message } from '../../../src/protocol/rpc';
import type { OpenResult } from '../../../src/protocol/image';
import type { HostEvents, PageAction, WebviewCalls } from '../../../src/protocol/webview';
import { scenario } from './scenarios';
import { TerabyteChain } from './terabyte';

interface MockWindow extends Window {
  acquireVsCodeApi(): unknown;
  mock: {
    /** Everything that the page told its host without waiting for an answer, and what it copied. */
    readonly told: { readonly name: string; readonly data: unknown }[];
    /** Counts the page's calls by name. */
    readonly calls: Record<string, number>;
    /** Says something as the extension host would. */
    emit<N extends keyof HostEvents>(name: N, data: HostEvents[N]): void;
  };
}

const page = window as unknown as MockWindow;
const query = new URLSearchParams(location.search);
const delay = Number(query.get('delay') ?? 4);
document.body.className = { dark: 'vscode-dark', light: 'vscode-light', hc: 'vscode-high-contrast',
  hcl: 'vscode-high-contrast-light' }[query.get('theme') ?? 'dark'] ?? 'vscode-dark';

const passes = query.get('passes');
const { chain, result } = scenario(query.get('scenario') ?? 'chain', passes === null ? undefined : Number(passes));
const STATE_KEY = `state ${location.search}`;

const answer = (data: Message): void => {
  window.postMessage(data, '*');
};

page.mock = {
  told: [],
  calls: {},
  emit: (name, data) => answer({ type: 'event', name, data }),
};

/** A page that is loaded anew finds a host that has just opened the image. */
function stoodAt({ standpoint }: WebviewCalls['ready']['params']): OpenResult {
  return chain && standpoint ? { kind: 'image', summary: chain.look(standpoint) } : result;
}

function reply(name: string, params: unknown): unknown {
  const { offset, length, ...standpoint } = (params ?? {}) as Record<string, number>;
  if (name === 'ready') return stoodAt(params as WebviewCalls['ready']['params']);
  if (name === 'copy') {
    page.mock.told.push({ name, data: params });
    return null;
  }
  if (!chain) throw new Error(`${name}: nothing is open`);
  switch (name) {
    case 'look': return chain.look(standpoint as unknown as Parameters<typeof chain.look>[0]);
    case 'pixels': return chain.pixels(params as WebviewCalls['pixels']['params']);
    case 'difference': {
      const { from, by } = params as WebviewCalls['difference']['params'];
      return chain.difference(from, by);
    }
    case 'trace': return chain.trace(offset ?? 0);
    case 'read': return chain.read(offset ?? 0, length ?? 0);
    default: throw new Error(`no such call: ${name}`);
  }
}

page.acquireVsCodeApi = () => ({
  getState: () => (JSON.parse(sessionStorage.getItem(STATE_KEY) ?? 'null') as unknown) ?? undefined,
  setState: (state: unknown) => sessionStorage.setItem(STATE_KEY, JSON.stringify(state)),
  postMessage: (message: Message) => {
    if (message.type === 'event') {
      page.mock.told.push({ name: message.name, data: message.data });
      if (message.name === 'action') act(message.data as PageAction);
    }
    if (message.type !== 'call') return;
    const { id, name, params } = message;
    page.mock.calls[name] = (page.mock.calls[name] ?? 0) + 1;
    setTimeout(() => void respond(id, name, params), delay);
  },
});

async function respond(id: number, name: string, params: unknown): Promise<void> {
  try {
    answer({ type: 'reply', id, ok: true, result: await reply(name, params) });
    if (name === 'ready') started();
  } catch (error) {
    answer({ type: 'reply', id, ok: false, error: { code: 'internal', message: String(error) } });
  }
}

/** A check takes this many steps, each this many milliseconds. */
const CHECK_STEPS = 10;
const CHECK_STEP_MS = Number(query.get('check-step') ?? 40);
let checking: ReturnType<typeof setTimeout> | undefined;

/** Does what the extension would do for the page. */
function act(action: PageAction): void {
  if (!chain) return;
  if (action.action === 'check') step(action.depth, 0);
  else if (action.action === 'compare' || action.action === 'end-comparison') {
    page.mock.emit('changed', chain.compare(action.action === 'compare'));
  } else if (action.action === 'cancel') {
    clearTimeout(checking);
    page.mock.emit('working', { work: 'check', share: null });
  }
}

function step(depth: number, done: number): void {
  page.mock.emit('working', { work: 'check', depth, share: done / CHECK_STEPS });
  checking = setTimeout(() => {
    if (done < CHECK_STEPS) step(depth, done + 1);
    else {
      if (chain) page.mock.emit('changed', chain.check(depth));
      page.mock.emit('working', { work: 'check', depth, share: null });
    }
  }, CHECK_STEP_MS);
}

/** What the address asks to be shown, said in the way in which the extension would say it. */
function started(): void {
  const offset = query.get('goto');
  const pick = query.get('pick');
  if (offset !== null) page.mock.emit('goTo', { offset: Number(offset), trace: query.has('trace') });
  if (pick !== null) page.mock.emit('pickLayer', { depth: Number(pick) });
  if (query.has('pass-ms')) setTimeout(readOn, PASS_MS);
  if (query.get('scenario') === 'loading') page.mock.emit('progress', { done: 3, total: 8 });
}

/** Milliseconds that a pass over the terabyte takes; without them it stays as far as it is. */
const PASS_MS = Number(query.get('pass-ms') ?? 0);

function readOn(): void {
  if (!(chain instanceof TerabyteChain)) return;
  const more = chain.readOn();
  page.mock.emit('changed', chain.summary());
  if (more) setTimeout(readOn, PASS_MS);
}
