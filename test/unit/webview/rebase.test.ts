import assert from 'node:assert/strict';
import { rebaseCommand } from '../../../src/webview/rebase';

const command = (fileName: string, format?: string, folder = '/vm/'): string => rebaseCommand({
  path: folder + fileName, fileName, facts: format === undefined ? [] : [{ label: 'Backing format', value: format }],
});

describe('the command that names the parent anew', () => {
  it('has the file’s name, and the format where the image records it', () => {
    assert.equal(command('a.qcow2'), 'qemu-img rebase -u -b NEW-PARENT -F FORMAT a.qcow2');
    assert.equal(command('a.qcow2', 'raw'), 'qemu-img rebase -u -b NEW-PARENT -F raw a.qcow2');
  });

  it('runs nothing that stands in a name', () => {
    const last = (name: string, folder?: string): string => command(name, 'qcow2', folder).split('-F qcow2 ')[1] ?? '';
    assert.equal(last('my disk.img'), "'my disk.img'");
    assert.equal(last('$(reboot).img'), "'$(reboot).img'");
    assert.equal(last("a';reboot;'.img"), "'a'\\'';reboot;'\\''.img'");
    assert.equal(last('-h'), './-h');
    assert.equal(last('a\u0003\nreboot'), 'FILE');
    assert.equal(last('my disk.img', 'C:\\vm\\'), '"my disk.img"');
    assert.equal(last('$(calc).img', 'C:\\vm\\'), 'FILE');
    assert.equal(last('%PATH%.img', '\\\\host\\share\\'), 'FILE');
    assert.equal(command('a', 'raw; reboot'), "qemu-img rebase -u -b NEW-PARENT -F 'raw; reboot' a");
  });
});
