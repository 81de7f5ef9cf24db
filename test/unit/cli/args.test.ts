import assert from 'node:assert/strict';
import { asksFor, parseInvocation } from '../../../src/cli/args';
import type { Verb } from '../../../src/cli/verb';
import { EXIT, UsageError } from '../../../src/cli/verb';

const VERB: Verb = {
  name: 'look',
  operands: ['IMAGE', 'OFFSET'],
  summary: '',
  details: '',
  options: { snapshot: { value: 'NAME', help: '' }, deep: { help: '' } },
  run: () => EXIT.fine,
};

describe('the arguments of a verb', () => {
  it('are operands and options in any order', () => {
    const invocation = parseInvocation(VERB, [
      '--snapshot',
      'one two',
      'a.qcow2',
      '--output=json',
      '4096',
      '--deep',
      '-f',
      'raw',
    ]);
    assert.deepEqual(invocation.operands, ['a.qcow2', '4096']);
    assert.equal(invocation.json, true);
    assert.equal(invocation.value('snapshot'), 'one two');
    assert.equal(invocation.value('format'), 'raw');
    assert.equal(invocation.flag('deep'), true);
  });

  it('may be left out', () => {
    const invocation = parseInvocation(VERB, ['a', 'b']);
    assert.deepEqual(
      [invocation.json, invocation.value('snapshot'), invocation.flag('deep')],
      [false, undefined, false],
    );
    assert.equal(parseInvocation(VERB, ['a', 'b', '--output', 'human']).json, false);
  });

  it('that look like options stand behind --', () => {
    assert.deepEqual(parseInvocation(VERB, ['--deep', '--', '--help', '-1']).operands, ['--help', '-1']);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /look takes IMAGE and OFFSET, nothing is given/],
    [['a'], /look takes IMAGE and OFFSET, 1/],
    [['a', 'b', 'c'], /3 are given/],
    [['a', 'b', '--bogus'], /--bogus/],
    [['a', 'b', '-x'], /-x/],
    [['a', 'b', '--output', 'xml'], /human or json, not "xml"/],
    [['a', 'b', '--output'], /--output/],
    [['a', 'b', '--snapshot'], /--snapshot/],
    [['a', 'b', '--deep=1'], /--deep/],
  ];
  for (const [args, message] of wrong) {
    it(`${args.join(' ') || 'none'}: wrong usage, in one line`, () => {
      assert.throws(
        () => parseInvocation(VERB, args),
        (error) => {
          assert(error instanceof UsageError);
          assert.match(error.message, message);
          assert(!error.message.includes('\n'));
          return true;
        },
      );
    });
  }
});

describe('help and version', () => {
  it('are asked for anywhere before --', () => {
    for (const args of [['--help'], ['map', '--help'], ['map', 'x', '--bogus', '-h']])
      assert(asksFor('help', args), args.join(' '));
    for (const args of [['--version'], ['map', '-V']]) assert(asksFor('version', args), args.join(' '));
    assert(!asksFor('help', ['map', '--', '--help']));
    assert(!asksFor('help', ['map', 'help', '--helper']));
  });
});
