import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, PackageManager } from '@vscode/vsce';
import { DRIVERS } from '../../../src/core/formats/registry';
import { ARCHIVE_ENDINGS, formatEnding, SHARED_ENDINGS } from '../../../src/core/imageNames';
import {
  COMMANDS,
  CONTEXT,
  SETTINGS,
  TREE_VIEW,
  VIEW_TYPE,
  VIEW_TYPE_ANY,
  WALKTHROUGH,
} from '../../../src/extension/ids';
import { COLOR_DEFAULTS } from '../../../src/webview/palette';
import { repositoryRoot } from '../../support/root';

interface MenuItem {
  readonly command?: string;
  readonly submenu?: string;
  readonly when?: string;
  readonly group?: string;
}
interface Manifest {
  readonly icon: string;
  readonly main: string;
  readonly engines: { readonly vscode: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly activationEvents: readonly string[];
  readonly extensionKind: readonly string[];
  readonly capabilities: {
    readonly untrustedWorkspaces: {
      readonly supported: string;
      readonly description: string;
      readonly restrictedConfigurations: readonly string[];
    };
    readonly virtualWorkspaces: { readonly supported: boolean };
  };
  readonly contributes: {
    readonly customEditors: readonly {
      readonly viewType: string;
      readonly displayName: string;
      readonly priority: string;
      readonly selector: readonly { readonly filenamePattern: string }[];
    }[];
    readonly languages: readonly {
      readonly extensions: readonly string[];
      readonly icon: Readonly<Record<string, string>>;
    }[];
    readonly viewsContainers: { readonly activitybar: readonly { readonly id: string; readonly icon: string }[] };
    readonly views: Readonly<Record<string, readonly { readonly id: string; readonly icon: string }[]>>;
    readonly viewsWelcome: readonly { readonly view: string; readonly contents: string; readonly when?: string }[];
    readonly commands: readonly { readonly command: string; readonly category: string; readonly title: string }[];
    readonly submenus: readonly { readonly id: string; readonly label: string }[];
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly when?: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown }>> };
    readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<string, string>> }[];
    readonly walkthroughs: readonly {
      readonly id: string;
      readonly icon: string;
      readonly steps: readonly {
        readonly description: string;
        readonly media: Readonly<Record<string, string>>;
        readonly completionEvents: readonly string[];
      }[];
    }[];
  };
}

const ROOT = repositoryRoot();
const text = readFileSync(join(ROOT, 'package.json'), 'utf8');
const manifest = JSON.parse(text) as Manifest;
const { contributes } = manifest;
const commandIds = contributes.commands.map(({ command }) => command);
const submenus = contributes.submenus.map(({ id }) => id);
const sorted = (items: Iterable<string>): string[] => [...items].sort();

describe('the manifest', () => {
  it('opens by default what the formats’ names tell, and offers itself for every file', () => {
    const editors = Object.fromEntries(
      contributes.customEditors.map(({ viewType, priority, selector }) => [
        viewType,
        { priority, patterns: sorted(selector.map(({ filenamePattern }) => filenamePattern)) },
      ]),
    );
    assert.deepEqual(editors, {
      [VIEW_TYPE]: {
        priority: 'default',
        patterns: sorted([
          ...DRIVERS.flatMap(({ patterns }) => patterns),
          ...ARCHIVE_ENDINGS.map((ending) => `*${ending}`),
        ]),
      },
      [VIEW_TYPE_ANY]: { priority: 'option', patterns: ['*'] },
    });
    const names = contributes.customEditors.map(({ displayName }) => displayName);
    assert.equal(new Set(names).size, names.length, 'two entries of “Reopen Editor With…” look alike');
    const extensions = contributes.languages.flatMap((language) => language.extensions);
    assert.deepEqual(sorted(extensions.map((extension) => `*${extension}`)), editors[VIEW_TYPE].patterns);
  });

  it('leaves to others the names that others have, and knows the endings of its own', () => {
    const own = DRIVERS.flatMap(({ patterns }) => patterns);
    for (const ending of SHARED_ENDINGS) assert.ok(!own.includes(`*${ending}`), ending);
    for (const pattern of own) assert.equal(formatEnding(`disk${pattern.slice(1)}`), pattern.slice(1));
    const menu = contributes.menus['explorer/context'] ?? [];
    const offered = menu.filter(({ when = '' }) => when.includes('resourceExtname'));
    assert.deepEqual(
      offered.map(({ command }) => command),
      ['vmDisk.checkImage', 'vmDisk.diagnoseChain'],
    );
    for (const { when } of offered) {
      const endings = /resourceExtname =~ \/\^\\\.\(([\w|]+)\)\$\/i/.exec(when ?? '')?.[1]?.split('|') ?? [];
      assert.deepEqual(sorted(endings.map((ending) => `.${ending}`)), sorted(SHARED_ENDINGS));
    }
  });

  it('contributes each command that is registered, and no other', () => {
    assert.deepEqual(sorted(commandIds), sorted(COMMANDS));
    assert.equal(new Set(commandIds).size, commandIds.length);
    for (const { category, title } of contributes.commands) {
      assert.equal(category, 'VM Disk');
      assert.match(title, /^[A-Z]/);
    }
  });

  it('has menus and keys for commands that exist', () => {
    for (const [menu, items] of Object.entries(contributes.menus)) {
      for (const { command, submenu } of items) {
        const known = command === undefined ? submenus.includes(submenu ?? '') : commandIds.includes(command);
        assert.ok(known, `${menu}: ${command ?? submenu}`);
      }
    }
    // What is below a submenu is in the manifest as a menu of its own.
    for (const id of submenus) assert.ok((contributes.menus[id] ?? []).length > 0, id);
    for (const { command } of contributes.keybindings) assert.ok(commandIds.includes(command), command);
  });

  it('hides from the palette what needs a node of the tree', () => {
    const hidden = (contributes.menus['commandPalette'] ?? []).filter(({ when }) => when === 'false');
    const ofNodes = COMMANDS.filter((id) => id.startsWith('vmDisk.tree.'));
    assert.deepEqual(sorted(hidden.map(({ command }) => command ?? '')), sorted(ofNodes));
  });

  it('goes by contexts that the code sets', () => {
    const known = new Set<string>([...Object.values(CONTEXT), VIEW_TYPE, TREE_VIEW]);
    const clauses = [...text.matchAll(/"when": "((?:[^"\\]|\\.)*)"/g)].map(([, clause]) => clause ?? '');
    assert.ok(clauses.length > 20);
    for (const clause of clauses) {
      const words = clause.replaceAll('\\\\', '').matchAll(/vmDisk(?:\.\w+)+/g);
      for (const [word] of words) assert.ok(known.has(word), `${word} in ${clause}`);
    }
  });

  it('has a welcome for every view, whether or not a folder is open', () => {
    const views = Object.values(contributes.views)
      .flat()
      .map(({ id }) => id);
    assert.deepEqual(views, [TREE_VIEW]);
    for (const view of views) {
      const welcomes = contributes.viewsWelcome.filter((welcome) => welcome.view === view);
      const when = welcomes.map((welcome) => welcome.when ?? '');
      assert.ok(
        when.some((clause) => clause.includes('workbenchState == empty')),
        view,
      );
      assert.ok(
        when.some((clause) => clause.includes('workbenchState != empty')),
        view,
      );
    }
    for (const container of Object.keys(contributes.views)) {
      assert.ok(
        contributes.viewsContainers.activitybar.some(({ id }) => id === container),
        container,
      );
    }
  });

  it('links to commands that exist', () => {
    const prose = [
      ...contributes.viewsWelcome.map(({ contents }) => contents),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ description }) => description)),
    ];
    const ours = prose.flatMap((each) => [...each.matchAll(/\(command:(vmDisk[\w.]+)/g)].map(([, id]) => id ?? ''));
    assert.ok(ours.length > 5);
    for (const id of ours) assert.ok([...commandIds, `${TREE_VIEW}.focus`].includes(id), id);
  });

  it('gives every colour a value in all four kinds of theme: those that the page falls back on', () => {
    for (const { id, defaults } of contributes.colors) {
      assert.deepEqual(sorted(Object.keys(defaults)), ['dark', 'highContrast', 'highContrastLight', 'light'], id);
    }
    assert.deepEqual(Object.fromEntries(contributes.colors.map(({ id, defaults }) => [id, defaults])), COLOR_DEFAULTS);
  });

  it('activates by what it contributes alone, beside the files, also where nothing is trusted', () => {
    assert.deepEqual(manifest.activationEvents, []);
    assert.deepEqual(manifest.extensionKind, ['workspace']);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.notEqual(manifest.capabilities.untrustedWorkspaces.description, '');
    assert.equal(manifest.capabilities.virtualWorkspaces.supported, false);
  });

  it('is compiled against the oldest VS Code that it says it runs in', () => {
    const engine = /^\^(\d+\.\d+)\.0$/.exec(manifest.engines.vscode)?.[1];
    assert.equal(/^~(\d+\.\d+)\.0$/.exec(manifest.devDependencies['@types/vscode'] ?? '')?.[1], engine);
  });

  it('keeps its settings under one name', () => {
    const names = Object.keys(contributes.configuration.properties);
    for (const name of names) assert.ok(name.startsWith(`${SETTINGS}.`), name);
    // What steers the look through a workspace is not for a workspace that nobody trusts to say.
    assert.deepEqual(sorted(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations), sorted(names));
  });

  it('names pictures and pages that are there', () => {
    assert.equal(contributes.walkthroughs[0]?.id, WALKTHROUGH);
    const files = [
      manifest.icon,
      ...contributes.languages.flatMap(({ icon }) => Object.values(icon)),
      ...contributes.viewsContainers.activitybar.map(({ icon }) => icon),
      ...Object.values(contributes.views)
        .flat()
        .map(({ icon }) => icon),
      ...contributes.walkthroughs.flatMap(({ icon, steps }) => [
        icon,
        ...steps.flatMap(({ media }) => [media['svg'] ?? media['markdown'] ?? '?']),
      ]),
    ];
    for (const file of files) assert.ok(existsSync(join(ROOT, file)), file);
    const png = readFileSync(join(ROOT, manifest.icon));
    assert.deepEqual([png.readUInt32BE(16) >= 128, png.readUInt32BE(16)], [true, png.readUInt32BE(20)]);
  });

  it('ships what it names and nothing beside', async () => {
    const shipped = await listFiles({ cwd: ROOT, packageManager: PackageManager.None });
    const allowed = [
      /^(package\.json|(README|CHANGELOG|SECURITY|THIRD-PARTY-NOTICES)\.md|LICENSE)$/,
      /^dist\/((extension|worker|server|crew|webview|cli)\.js|[\w.-]+\.wasm)$/,
      /^media\/([\w-]+\.(css|png)|(icons|walkthrough)\/[\w-]+\.(svg|md))$/,
    ];
    for (const file of shipped)
      assert.ok(
        allowed.some((pattern) => pattern.test(file)),
        `${file} is shipped`,
      );
    const named = [...text.matchAll(/"(?:\.\/)?(media\/[^"]+)"/g)].map(([, path]) => path ?? '');
    assert.ok(named.length > 8);
    for (const path of named) assert.ok(shipped.includes(path), `${path} is not shipped`);
    const pictures = shipped.filter((path) => /^media\/(icons|walkthrough)\//.test(path));
    for (const path of pictures) assert.ok(named.includes(path), `${path} is shipped and not used`);
  });
});
