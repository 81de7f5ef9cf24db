import assert from 'node:assert/strict';
import type { FileReference } from '../../../src/core';
import { isWindowsAbsolute, parentReference } from '../../../src/core';
import { dataFileReference } from '../../../src/core/fileReference';

/** What a name means, in few words: `image:PATH`, `cwd:PATH`, or the reason it is refused. */
function meaning({ target }: FileReference): string {
  if (target.kind === 'refused') return target.reason;
  if (target.kind === 'search') return 'search';
  return `${target.relativeTo === 'image' ? 'image' : 'cwd'}:${target.path}`;
}

const json = (value: unknown): string => `json:${JSON.stringify(value)}`;

describe('the name of a parent', () => {
  const plain: readonly (readonly [string, string])[] = [
    ['base.qcow2', 'image:base.qcow2'],
    ['./base.qcow2', 'image:./base.qcow2'],
    ['../a b/bäse 基.qcow2', 'image:../a b/bäse 基.qcow2'],
    ['/var/lib/images/base.img', 'image:/var/lib/images/base.img'],
    ['a%20b', 'image:a%20b'],
    // A colon is only a protocol's before the first slash (block.c, path_has_protocol).
    ['./co:lon.qcow2', 'image:./co:lon.qcow2'],
    ['../co:lon.qcow2', 'image:../co:lon.qcow2'],
    ['dir/co:lon.qcow2', 'image:dir/co:lon.qcow2'],
    ['/co:lon.qcow2', 'image:/co:lon.qcow2'],
    ['co:lon.qcow2', 'protocol'],
    [':x', 'protocol'],
    ['a\nb', 'image:a\nb'],
    ['nbd://host/disk', 'protocol'],
    ['nbd:unix:/run/s.sock', 'protocol'],
    ['ssh://host/a', 'protocol'],
    ['https://host/a.qcow2', 'protocol'],
    ['rbd:pool/image:id=x', 'protocol'],
    ['vvfat:rw:/etc', 'protocol'],
    ['fat:/etc', 'protocol'],
    ['host_device:/dev/sda', 'protocol'],
    ['blkdebug:x:/a', 'protocol'],
    ['File:/a', 'protocol'],
  ];
  for (const [written, expected] of plain) {
    it(`${JSON.stringify(written)} is ${JSON.stringify(expected)}`, () => {
      const reference = parentReference(written, 'qcow2');
      assert.equal(meaning(reference), expected);
      assert.equal(reference.written, written);
      assert.equal(reference.role, 'parent');
      assert.equal(reference.format, 'qcow2');
      assert.equal(reference.window, undefined);
    });
  }

  const windows = ['C:\\images\\base.vhdx', 'c:/images/base.qcow2', '\\\\server\\share\\base.qcow2'];
  for (const written of windows) {
    it(`${written} is a path of Windows, not a protocol`, () => {
      assert.equal(meaning(parentReference(written, undefined)), `image:${written}`);
      assert(isWindowsAbsolute(written));
    });
  }

  it('written by Windows is relative without a drive', () => {
    assert.equal(meaning(parentReference('..\\base.qcow2', undefined)), 'image:..\\base.qcow2');
    for (const name of ['..\\base', 'C:base', 'CC:\\base', '/C:/base', '\\base', 'C', '\\\\'])
      assert(!isWindowsAbsolute(name), name);
  });

  it('behind file: is a path, absolute or of the working folder', () => {
    assert.equal(meaning(parentReference('file:base.qcow2', undefined)), 'cwd:base.qcow2');
    assert.equal(meaning(parentReference('file:../b/base.qcow2', undefined)), 'cwd:../b/base.qcow2');
    assert.equal(meaning(parentReference('file:/a/base.qcow2', undefined)), 'image:/a/base.qcow2');
    assert.equal(meaning(parentReference('file:///a/base.qcow2', undefined)), 'image:///a/base.qcow2');
    assert.equal(meaning(parentReference('file:co:lon', undefined)), 'cwd:co:lon');
    assert.equal(meaning(parentReference('file:C:\\base', undefined)), 'image:C:\\base');
    assert.equal(meaning(parentReference('file:', undefined)), 'malformed');
  });

  it('that is refused says why in one sentence, however long it is', () => {
    const { target } = parentReference(`nbd:${'x'.repeat(5000)}`, undefined);
    assert(target.kind === 'refused');
    assert.match(target.message, /protocol "nbd"/);
    assert(target.message.length < 200, `${target.message.length} characters`);
  });
});

describe('the name of a parent in json:', () => {
  const named = (value: unknown, format?: string): string => {
    const reference = parentReference(json(value), format);
    return `${meaning(reference)} ${reference.format ?? '-'}`;
  };

  it('gives the driver and the file', () => {
    assert.equal(named({ driver: 'qcow2', file: { driver: 'file', filename: '/a/base' } }), 'image:/a/base qcow2');
    assert.equal(named({ driver: 'qcow2', file: { filename: 'base' } }), 'cwd:base qcow2');
    assert.equal(named({ driver: 'raw', file: { driver: 'host_device', filename: '/dev/sdb' } }), 'image:/dev/sdb raw');
    assert.equal(named({ driver: 'raw', file: { driver: 'host_cdrom', filename: '/dev/sr0' } }), 'image:/dev/sr0 raw');
  });

  it('may have dots in place of braces', () => {
    assert.equal(named({ driver: 'qcow2', 'file.driver': 'file', 'file.filename': '/a/base' }), 'image:/a/base qcow2');
    assert.equal(named({ 'file.filename': '/a/base', driver: 'raw', file: { driver: 'file' } }), 'image:/a/base raw');
  });

  it('beats the format of the header, which counts where it names no driver', () => {
    assert.equal(named({ driver: 'raw', file: { driver: 'file', filename: '/a' } }, 'qcow2'), 'image:/a raw');
    assert.equal(named({ file: { driver: 'file', filename: '/a' } }, 'qcow2'), 'image:/a qcow2');
    assert.equal(named({ file: { driver: 'file', filename: '/a' } }), 'image:/a -');
  });

  it('may be the file alone', () => {
    assert.equal(named({ driver: 'file', filename: '/a' }), 'image:/a raw');
    assert.equal(named({ filename: '/a' }, 'qcow2'), 'image:/a qcow2');
  });

  it('may take a part of a raw file', () => {
    const windowIn = (options: object): unknown => {
      const reference = parentReference(json({ ...options, file: { driver: 'file', filename: '/a' } }), undefined);
      assert.equal(meaning(reference), 'image:/a');
      return reference.window;
    };
    assert.deepEqual(windowIn({ driver: 'raw', offset: 65536, size: 131072 }), { offset: 65536, size: 131072 });
    assert.deepEqual(windowIn({ driver: 'raw', offset: '65536' }), { offset: 65536, size: undefined });
    assert.deepEqual(windowIn({ driver: 'raw', size: 512 }), { offset: 0, size: 512 });
    assert.equal(windowIn({ driver: 'raw', offset: 0 }), undefined);
    assert.equal(windowIn({ driver: 'raw' }), undefined);
    // Only raw has these options.
    assert.equal(windowIn({ driver: 'qcow2', offset: 512 }), undefined);
  });

  const refused: readonly (readonly [string, string])[] = [
    ['json:', 'malformed'],
    ['json:{', 'malformed'],
    ['json:[]', 'malformed'],
    ['json:null', 'malformed'],
    ['json:"a"', 'malformed'],
    ['json:{"driver":"raw","file":{"driver":"file","filename":""}}', 'malformed'],
    ['json:{}', 'protocol'],
    ['json:{"driver":"qcow2"}', 'protocol'],
    ['json:{"driver":"qcow2","file":"node0"}', 'protocol'],
    ['json:{"driver":"qcow2","file":{"driver":"nbd","host":"h"}}', 'protocol'],
    ['json:{"driver":"qcow2","file":{"driver":"ssh","filename":"/a"}}', 'protocol'],
    ['json:{"driver":"nbd","filename":"/a"}', 'protocol'],
    ['json:{"driver":"qcow2","file":{"driver":"file","filename":7}}', 'protocol'],
    ['json:{"driver":"qcow2","file":{"driver":"raw","file":{"driver":"file","filename":"/a"}}}', 'protocol'],
    ['json:{"driver":"qcow2","file":{"filename":"/a"},"backing":{"driver":"raw"}}', 'malformed'],
    ['json:{"driver":"raw","offset":-512,"file":{"driver":"file","filename":"/a"}}', 'malformed'],
    ['json:{"driver":"raw","offset":"1K","file":{"driver":"file","filename":"/a"}}', 'malformed'],
    ['json:{"driver":"raw","size":1e30,"file":{"driver":"file","filename":"/a"}}', 'malformed'],
  ];
  for (const [written, reason] of refused) {
    it(`${written} is refused: ${reason}`, () => {
      assert.equal(meaning(parentReference(written, 'qcow2')), reason);
    });
  }

  it('may say that nothing lies below, which ends nothing here', () => {
    assert.equal(named({ driver: 'qcow2', file: { filename: '/a' }, backing: null }), 'image:/a qcow2');
  });

  it('can not reach into what objects inherit', () => {
    const written = 'json:{"__proto__":{"filename":"/a"},"__proto__.driver":"file","driver":"qcow2"}';
    assert.equal(meaning(parentReference(written, undefined)), 'protocol');
    assert.equal(({} as Record<string, unknown>)['filename'], undefined);
  });

  it('may be nested as deep as a header has room', () => {
    const written = `json:{"${'a.'.repeat(500)}b":1}`;
    assert.equal(meaning(parentReference(written, undefined)), 'protocol');
  });
});

describe('the name of a data file', () => {
  it('is a plain path, whatever it looks like', () => {
    for (const written of ['data.raw', 'nbd://host/x', 'json:{"driver":"file"}', 'file:x', 'a:b']) {
      const reference = dataFileReference(written);
      assert.equal(meaning(reference), `image:${written}`);
      assert.equal(reference.role, 'data-file');
      assert.equal(reference.format, 'raw');
    }
  });
});
