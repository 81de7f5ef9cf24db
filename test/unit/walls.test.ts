import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from '../support/root';

/**
 * Who may import whom, denied by default. Type-only imports count: they may go where values may go, and where the list
 * says `types`.
 */
interface Wall {
  /** Other parts of src that may be imported as they are. */
  readonly parts: readonly string[];
  /** Parts of which only types may be imported. */
  readonly types?: readonly string[];
  /** Single files, without their ending, that may be imported as they are. */
  readonly files?: readonly string[];
  /** Packages, and `node:` for Node's own. */
  readonly packages?: readonly string[];
}

const WALLS: Readonly<Record<string, Wall>> = {
  // A pure parser of XML, which platforms write about their snapshots: no file, no network, nothing of the host. And
  // `kernel` compiled, which is bytes to the core.
  core: { parts: [], packages: ['saxes', 'kernel.wasm'] },
  // Another language, AssemblyScript, that knows no package.
  kernel: { parts: [] },
  protocol: { parts: [], types: ['core'] },
  node: { parts: ['core', 'protocol'], packages: ['node:', 'zstddec', '@bokuweb/zstd-wasm'] },
  cli: { parts: ['core', 'node'], packages: ['node:'] },
  extension: { parts: ['core', 'protocol', 'node'], packages: ['node:', 'vscode'] },
  // The model has the constants of its types; the others are how sizes, checks, losses and commands are worded, wherever they are.
  webview: {
    parts: ['protocol'],
    types: ['core'],
    files: ['core/model', 'core/units', 'core/checkWords', 'core/imageNames', 'core/lost', 'core/shell'],
  },
};

interface Import {
  readonly name: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** Everything that a file imports, in whatever way TypeScript and Node know. */
function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (node: ts.Node, name: ts.Node | undefined, typeOnly: boolean): void => {
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    // A name that is not written out can't be checked, so it is none that is allowed.
    found.push({ name: name && ts.isStringLiteralLike(name) ? name.text : '(computed)', typeOnly, line });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      add(node, node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    } else if (ts.isCallExpression(node)) {
      const {
        expression,
        arguments: [argument],
      } = node;
      const requires = ts.isIdentifier(expression) && expression.text === 'require';
      if (requires || expression.kind === ts.SyntaxKind.ImportKeyword) add(node, argument, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const { fileName } of source.referencedFiles) found.push({ name: fileName, typeOnly: true, line: 1 });
  for (const { fileName } of source.typeReferenceDirectives) found.push({ name: fileName, typeOnly: true, line: 1 });
  return found;
}

/** Why a file may not import that; undefined where it may. @param file its path below src, with `/` */
function objection(file: string, { name, typeOnly }: Import): string | undefined {
  const [part = ''] = file.split('/');
  const wall = WALLS[part];
  if (!wall) return `src/${part} is no part that is known`;
  if (!name.startsWith('.')) {
    const allowed = (wall.packages ?? []).some((known) =>
      known.endsWith(':') ? name.startsWith(known) : name === known,
    );
    return allowed ? undefined : `${part} may not import ${name}`;
  }
  const target = posix.normalize(posix.join(posix.dirname(file), name));
  const [other = ''] = target.split('/');
  if (other === '..') return `${name} is outside src`;
  if (other === part || wall.parts.includes(other) || wall.files?.includes(target)) return undefined;
  if (wall.types?.includes(other)) return typeOnly ? undefined : `${part} may import types of ${other}, not values`;
  return `${part} may not import ${other}`;
}

function objections(file: string, text: string): string[] {
  return importsOf(file, text).flatMap((found) => {
    const why = objection(file, found);
    return why === undefined ? [] : [`src/${file}:${found.line}: ${why}`];
  });
}

const SRC = join(repositoryRoot(), 'src');
const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
  .map((entry) =>
    join(entry.parentPath, entry.name)
      .slice(SRC.length + 1)
      .replaceAll('\\', '/'),
  )
  .sort();

describe('the walls between the parts of src', () => {
  it('stand', () => {
    assert(files.length > 40, `${files.length} files`);
    assert.deepEqual(
      files.flatMap((file) => objections(file, readFileSync(join(SRC, file), 'utf8'))),
      [],
    );
  });

  it('have every part behind one', () => {
    assert.deepEqual([...new Set(files.map((file) => file.split('/')[0]))].sort(), Object.keys(WALLS).sort());
  });

  it('see imports at all', () => {
    const count = files.reduce((sum, file) => sum + importsOf(file, readFileSync(join(SRC, file), 'utf8')).length, 0);
    assert(count > files.length, `${count} imports in ${files.length} files`);
  });
});

describe('a wall that is broken is told', () => {
  const broken: readonly (readonly [string, string, string])[] = [
    ['core/a.ts', `import * as fs from 'node:fs';`, 'core may not import node:fs'],
    ['core/a.ts', `import fs from 'fs';`, 'core may not import fs'],
    ['core/a.ts', `import type { Uri } from 'vscode';`, 'core may not import vscode'],
    ['core/formats/raw.ts', `import { openFile } from '../../node/files';`, 'core may not import node'],
    ['core/a.ts', `export { openFile } from '../node/files';`, 'core may not import node'],
    ['core/a.ts', `export type * from '../protocol/rpc';`, 'core may not import protocol'],
    ['core/a.ts', `const fs = require('node:fs');`, 'core may not import node:fs'],
    ['core/a.ts', `const fs = await import('node:fs');`, 'core may not import node:fs'],
    ['core/a.ts', `import fs = require('node:fs');`, 'core may not import node:fs'],
    ['core/a.ts', `let uri: import('vscode').Uri;`, 'core may not import vscode'],
    ['core/a.ts', `function f() { if (x) return import(name); }`, 'core may not import (computed)'],
    ['core/a.ts', `/// <reference types="node" />`, 'core may not import node'],
    ['core/a.ts', `import 'node:fs';`, 'core may not import node:fs'],
    ['core/a.ts', `import { x } from '../../scripts/x.mjs';`, '../../scripts/x.mjs is outside src'],
    ['core/a.ts', `import { x } from './../node/x';`, 'core may not import node'],
    ['core/a.ts', `import { tiles } from '../kernel/runs';`, 'core may not import kernel'],
    ['kernel/a.ts', `import type { Kind } from '../core/model';`, 'kernel may not import core'],
    ['kernel/a.ts', `import x from 'saxes';`, 'kernel may not import saxes'],
    ['node/a.ts', `import bytes from 'kernel.wasm';`, 'node may not import kernel.wasm'],
    ['protocol/a.ts', `import { Kind } from '../core';`, 'protocol may import types of core, not values'],
    ['protocol/a.ts', `import { type Kind } from '../core';`, 'protocol may import types of core, not values'],
    ['protocol/a.ts', `import type { X } from '../node/x';`, 'protocol may not import node'],
    ['node/a.ts', `import type { X } from '../extension/x';`, 'node may not import extension'],
    ['node/a.ts', `import { X } from 'vscode';`, 'node may not import vscode'],
    ['cli/main.ts', `import type { X } from '../protocol/worker';`, 'cli may not import protocol'],
    ['cli/main.ts', `import type { X } from '../extension/x';`, 'cli may not import extension'],
    ['cli/verbs/map.ts', `import x from 'zstddec';`, 'cli may not import zstddec'],
    ['extension/a.ts', `import type { X } from '../webview/x';`, 'extension may not import webview'],
    ['webview/a.ts', `import { Session } from '../core';`, 'webview may import types of core, not values'],
    ['webview/a.ts', `import { x } from '../core/units/../session';`, 'webview may import types of core, not values'],
    ['webview/a.ts', `import { x } from '../node/x';`, 'webview may not import node'],
    ['webview/a.ts', `import * as vscode from 'vscode';`, 'webview may not import vscode'],
    ['guest/a.ts', `import { x } from '../core';`, 'src/guest is no part that is known'],
  ];
  for (const [file, text, expected] of broken) {
    it(`${file}: ${text}`, () => {
      assert.deepEqual(
        objections(file, `\n${text}`).map((line) => line.replace(/^.*?: /, '')),
        [expected],
      );
    });
  }

  const fine: readonly (readonly [string, string])[] = [
    ['core/formats/qcow2/a.ts', `import { x } from '../../bytes'; export * from './b';`],
    ['core/kernel/a.ts', `import bytes from 'kernel.wasm';`],
    ['kernel/index.ts', `export { tiles } from './runs';`],
    ['protocol/a.ts', `import type { X } from '../core/model'; export type { Y } from '../core/session';`],
    [
      'node/a.ts',
      `import * as fs from 'node:fs'; import { x } from '../core'; import type { Y } from '../protocol/worker';`,
    ],
    [
      'cli/main.ts',
      `import { x } from '../core'; import { y } from '../node/files'; import { parseArgs } from 'node:util';`,
    ],
    [
      'extension/a.ts',
      `import * as vscode from 'vscode'; import { x } from '../core'; import { join } from 'node:path';`,
    ],
    ['webview/a.ts', `import { formatBytes } from '../core/units'; import { x } from '../protocol/rpc';`],
    ['core/a.ts', `// import fs from 'node:fs';\nconst text = "import fs from 'node:fs'";`],
  ];
  for (const [file, text] of fine) {
    it(`and one that stands is not: ${file}`, () => {
      assert.deepEqual(objections(file, text), []);
    });
  }
});
