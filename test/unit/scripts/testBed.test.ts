import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workbenchUrl } from '../../../scripts/vscode/server.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Manifest {
  readonly engines?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly resolved?: string }>>;
}

function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'));
}

const FOLDERS = ['.', 'scripts/vscode/server', 'scripts/vscode/browser'];

describe('what npm installs', () => {
  for (const folder of FOLDERS) {
    it(`${folder}/package-lock.json names no registry`, () => {
      const { packages } = readJson(folder, 'package-lock.json') as Lock;
      const resolved = Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined);
      assert.deepEqual(resolved, []);
    });
  }

  for (const folder of FOLDERS.slice(1)) {
    it(`${folder} is pinned to exact versions`, () => {
      const { dependencies = {} } = readJson(folder, 'package.json') as Manifest;
      const { packages } = readJson(folder, 'package-lock.json') as Lock;
      assert.notDeepEqual(dependencies, {});
      for (const [name, range] of Object.entries(dependencies)) {
        assert.equal(range.split('@').at(-1), packages[`node_modules/${name}`]?.version, name);
      }
    });
  }

  it('tests the oldest VS Code that the manifest allows, with its types', () => {
    const manifest = readJson('package.json') as Manifest;
    const floor = /^\^1\.(\d+)\.\d+$/.exec(manifest.engines?.['vscode'] ?? '')?.[1];
    const server = readJson('scripts/vscode/server', 'package.json') as Manifest;
    assert.equal(/^4\.(\d+)\./.exec(server.dependencies?.['code-server'] ?? '')?.[1], floor);
    assert.equal(/^~1\.(\d+)\./.exec(manifest.devDependencies?.['@types/vscode'] ?? '')?.[1], floor);
  });
});

describe('the address of a workbench', () => {
  const origin = 'http://127.0.0.1:41234';

  it('is plain when it names nothing', () => {
    assert.equal(workbenchUrl(origin), `${origin}/`);
  });

  it('keeps a folder whose name has characters of its own', () => {
    const folder = '/srv/a b/50%/c#d?e&f=g/é';
    const url = new URL(workbenchUrl(origin, { folder }, 'secret'));
    assert.equal(url.searchParams.get('folder'), folder);
    assert.equal(url.searchParams.get('tkn'), 'secret');
    assert.equal(url.hash, '');
  });

  it('hands files over as URIs of the remote', () => {
    const url = new URL(workbenchUrl(origin, { extension: '/x y', tests: '/t/index', file: '/d/50%#1.img' }));
    assert.deepEqual(JSON.parse(url.searchParams.get('payload') ?? ''), [
      ['extensionDevelopmentPath', 'vscode-remote://127.0.0.1:41234/x%20y'],
      ['extensionTestsPath', 'vscode-remote://127.0.0.1:41234/t/index'],
      ['openFile', 'vscode-remote://127.0.0.1:41234/d/50%25%231.img'],
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
    ]);
  });
});
