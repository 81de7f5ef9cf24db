// Mocha's spec output, and its numbers in the file that VMDISK_TEST_RESULTS names.
const { writeFileSync } = require('node:fs');
const { format } = require('node:util');
const Mocha = require('mocha');

const { VMDISK_TEST_RESULTS: results, VMDISK_TEST_MARK: mark } = process.env;
if (mark) {
  // In an extension host others write to the console too; the mark tells whose line it is.
  Mocha.reporters.Base.consoleLog = (...args) => console.log(mark + format(...args));
}

class Reporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      if (results) {
        const { passes, failures, pending } = this.stats;
        writeFileSync(results, JSON.stringify({ passed: passes, failed: failures, pending }));
      }
    });
  }
}

module.exports = Reporter;
