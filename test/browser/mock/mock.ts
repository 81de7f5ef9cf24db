import type { Message } from '../../../src/protocol/rpc';
import type { OpenResult } from '../../../src/protocol/image';
import type { HostEvents, WebviewCalls } from '../../../src/protocol/webview';
import { scenario } from './scenarios';

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

const { chain, result } = scenario(query.get('scenario') ?? 'chain');
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
  const { offset, length, start, cellBytes, cells, ...standpoint } = (params ?? {}) as Record<string, number>;
  if (name === 'ready') return stoodAt(params as WebviewCalls['ready']['params']);
  if (name === 'copy') {
    page.mock.told.push({ name, data: params });
    return null;
  }
  if (!chain) throw new Error(`${name}: nothing is open`);
  switch (name) {
    case 'look': return chain.look(standpoint as unknown as Parameters<typeof chain.look>[0]);
    case 'pixels': return chain.pixels(start ?? 0, cellBytes ?? 1, cells ?? 0);
    case 'trace': return chain.trace(offset ?? 0);
    case 'read': return chain.read(offset ?? 0, length ?? 0);
    default: throw new Error(`no such call: ${name}`);
  }
}

page.acquireVsCodeApi = () => ({
  getState: () => (JSON.parse(sessionStorage.getItem(STATE_KEY) ?? 'null') as unknown) ?? undefined,
  setState: (state: unknown) => sessionStorage.setItem(STATE_KEY, JSON.stringify(state)),
  postMessage: (message: Message) => {
    if (message.type === 'event') page.mock.told.push({ name: message.name, data: message.data });
    if (message.type !== 'call') return;
    const { id, name, params } = message;
    page.mock.calls[name] = (page.mock.calls[name] ?? 0) + 1;
    setTimeout(() => {
      try {
        answer({ type: 'reply', id, ok: true, result: reply(name, params) });
        if (name === 'ready') started();
      } catch (error) {
        answer({ type: 'reply', id, ok: false, error: { code: 'internal', message: String(error) } });
      }
    }, delay);
  },
});

/** What the address asks to be shown, said in the way in which the extension would say it. */
function started(): void {
  const offset = query.get('goto');
  const pick = query.get('pick');
  if (offset !== null) page.mock.emit('goTo', { offset: Number(offset), trace: query.has('trace') });
  if (pick !== null) page.mock.emit('pickLayer', { depth: Number(pick) });
  if (query.get('scenario') === 'loading') page.mock.emit('progress', { done: 3, total: 8, layer: 2 });
}
