import assert from 'node:assert/strict';
import { parentReference } from '../../../src/core';
import type { HostSystem } from '../../../src/node/hostPath';
import { isDeviceName, locate, resolveName } from '../../../src/node/hostPath';

/** A system with these files; `links` are folders that lead elsewhere. */
function system(
  windows: boolean,
  files: readonly string[] = [],
  links: Readonly<Record<string, string>> = {},
): HostSystem {
  const real = (file: string): string => {
    const link = Object.keys(links).find((from) => file === from || file.startsWith(`${from}/`));
    return link === undefined ? file : `${links[link] ?? ''}${file.slice(link.length)}`;
  };
  return {
    windows,
    exists: (file) => files.includes(real(file)),
    real: (file) => (files.includes(real(file)) || Object.values(links).includes(real(file)) ? real(file) : undefined),
  };
}

const place = (written: string, on: HostSystem, folder = on.windows ? 'C:\\images' : '/images'): string => {
  const located = locate(parentReference(written, undefined), folder, on);
  return located.kind === 'here'
    ? `${located.file}${located.findings.map(({ code }) => ` [${code}]`).join('')}`
    : located.kind;
};

describe('where a name in an image points to', () => {
  const posix = system(false);
  const windows = system(true);

  const onPosix: readonly (readonly [string, string])[] = [
    ['base.qcow2', '/images/base.qcow2'],
    ['./a/../base.qcow2', '/images/base.qcow2'],
    ['../old/base.qcow2', '/old/base.qcow2'],
    ['/var/base.qcow2', '/var/base.qcow2'],
    ['file:base', '/images/base [relative-to-working-directory]'],
    ['file:/var/base', '/var/base'],
    ['..\\old\\base.qcow2', '/old/base.qcow2 [windows-path]'],
    ['C:\\base.qcow2', 'elsewhere'],
    ['\\\\server\\share\\base', 'elsewhere'],
  ];
  for (const [written, expected] of onPosix) {
    it(`on Linux and macOS: ${written} is ${expected}`, () => {
      assert.equal(place(written, posix), expected);
    });
  }

  const onWindows: readonly (readonly [string, string])[] = [
    ['base.qcow2', 'C:\\images\\base.qcow2'],
    ['../old/base.qcow2', 'C:\\old\\base.qcow2'],
    ['..\\old\\base.qcow2', 'C:\\old\\base.qcow2'],
    ['D:/base.qcow2', 'D:\\base.qcow2'],
    ['/var/base.qcow2', 'elsewhere'],
    ['\\\\server\\share\\base', '\\\\server\\share\\base'],
  ];
  for (const [written, expected] of onWindows) {
    it(`on Windows: ${written} is ${expected}`, () => {
      assert.equal(place(written, windows), expected);
    });
  }

  it('is the file with backslashes in its name where there is one', () => {
    assert.equal(place('a\\b', system(false, ['/images/a\\b'])), '/images/a\\b');
  });
});

describe('.. behind a link', () => {
  const links = { '/images/now': '/store/2024' };

  it('is the folder above the place that the link leads to', () => {
    const on = system(false, ['/store/base', '/images/base'], links);
    assert.equal(resolveName('/images/now', '../base', on), '/store/base');
    assert.equal(resolveName('/images', 'now/../base', on), '/store/base');
    assert.equal(resolveName('/', '/images/now/../base', on), '/store/base');
    assert.equal(resolveName('/images/now', '../../base', system(false, ['/base'], links)), '/base');
  });

  it('is looked for there also where nothing is', () => {
    assert.equal(resolveName('/images/now', '../base', system(false, ['/images/base'], links)), '/store/base');
  });

  it('is told by the shorter path where both are one file', () => {
    const on = system(false, ['/store/2024/base'], { '/images': '/store/2024' });
    assert.equal(resolveName('/images', './x/../base', on), '/images/base');
  });

  it('is text on Windows', () => {
    assert.equal(resolveName('C:\\images\\now', '..\\base', system(true)), 'C:\\images\\base');
  });
});

describe('the name of a device', () => {
  it('is one on Windows, in any folder and with any extension', () => {
    for (const name of ['NUL', 'C:\\images\\con', 'aux.qcow2', 'C:/x/COM1:', 'lpt9 .raw', 'conin$', 'nul\\x']) {
      assert(isDeviceName(name, true), name);
      assert(!isDeviceName(name, false), name);
    }
  });

  it('is not one that only begins so', () => {
    for (const name of ['null', 'console.qcow2', 'C:\\auxiliary\\x', 'com.qcow2', 'com10', 'base']) {
      assert(!isDeviceName(name, true), name);
    }
  });
});
