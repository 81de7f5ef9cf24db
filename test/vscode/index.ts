import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

/** The repository; this module is bundled, and `import.meta.dirname` stays the folder of its source. */
const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Runs the bundled tests of this folder inside the extension host, where VS Code calls it.
 * @throws when a test fails, or when there is none
 */
export async function run(): Promise<void> {
  const grep = process.env['VMDISK_TEST_GREP'];
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: 60_000,
    color: process.env['VMDISK_TEST_COLOR'] === '1',
    forbidOnly: process.env['CI'] !== undefined,
    reporter: join(ROOT, 'scripts', 'lib', 'reporter.cjs'),
    ...(grep === undefined ? {} : { grep }),
  });
  for (const file of testFiles()) mocha.addFile(file);
  try {
    await new Promise<void>((resolve, reject) => {
      const runner = mocha.run((failures) => {
        if (runner.total === 0) reject(new Error('no tests ran'));
        else if (failures > 0) reject(new Error(`${failures} failed`));
        else resolve();
      });
    });
  } catch (error) {
    // What keeps mocha from reporting, such as a test file that does not load, must be seen all the same.
    console.log(`${process.env['VMDISK_TEST_MARK'] ?? ''}${error instanceof Error ? error.stack : String(error)}`);
    throw error;
  }
}

function testFiles(): string[] {
  const chosen = process.env['VMDISK_TEST_FILES'];
  if (chosen !== undefined) return JSON.parse(chosen) as string[];
  const folder = join(ROOT, 'out', 'test', 'vscode');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .sort()
    .map((name) => join(folder, name));
}
