// Serves the webview's page with a made-up host, outside VS Code and under the same strict content policy.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { ROOT } from '../../../scripts/lib/paths.mjs';

const HERE = join(ROOT, 'test', 'browser', 'mock');
const POLICY = "default-src 'none'; style-src 'self'; script-src 'self'";
const BENCH = '<!DOCTYPE html><title>running</title><body><script src="/bench.js"></script>';
const PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>VM Disk Explorer, mock</title>
  <link rel="stylesheet" href="/themes.css">
  <link rel="stylesheet" href="/webview.css">
</head>
<body>
  <div id="app"></div>
  <script src="/mock.js"></script>
  <script src="/webview.js"></script>
</body>
</html>
`;

async function bundle(entry) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: ROOT, entryPoints: [entry], bundle: true, write: false, format: 'iife', target: 'es2022',
    platform: 'browser', logLevel: 'warning',
  });
  return outputFiles[0].contents;
}

/** @returns {Promise<{ url: string, close(): Promise<void> }>} every request is built anew: reload to see a change */
export async function serveMock(port = 0) {
  const routes = {
    '/': ['text/html', async () => PAGE],
    '/bench': ['text/html', async () => BENCH],
    '/webview.js': ['text/javascript', () => bundle('src/webview/main.ts')],
    '/mock.js': ['text/javascript', () => bundle(join(HERE, 'mock.ts'))],
    '/terabyte.js': ['text/javascript', () => bundle(join(HERE, 'terabyteThread.ts'))],
    '/bench.js': ['text/javascript', () => bundle(join(HERE, 'bench.ts'))],
    '/webview.css': ['text/css', () => readFile(join(ROOT, 'media', 'webview.css'))],
    '/themes.css': ['text/css', () => readFile(join(HERE, 'themes.css'))],
  };
  const server = createServer((request, response) => {
    const route = routes[new URL(request.url, 'http://localhost').pathname];
    if (!route) {
      response.writeHead(404).end();
      return;
    }
    const [type, make] = route;
    make().then(
      (body) => response.writeHead(200, {
        'content-type': `${type}; charset=utf-8`, 'content-security-policy': POLICY, 'cache-control': 'no-store',
      }).end(body),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
