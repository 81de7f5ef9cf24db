// node cliHost.cjs CLI: runs the bundle of the command line once for each message { args, cwd }, and answers with
// { code, stdout, stderr }. Every run evaluates the bundle anew, with arguments, exit code and streams of its own, as a
// process would; only what starting a process and compiling the bundle cost is paid once.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

// Node goes by where a link leads, too.
const file = fs.realpathSync(process.argv[2]);
// Each character keeps its place: by places in the file a coverage counts.
const source = fs.readFileSync(file, 'utf8').replace(/^#!/, '//');
const parameters = ['require', 'module', 'exports', 'process', '__filename', '__dirname'];
const bundle = vm.compileFunction(source, parameters, { filename: file });
const load = createRequire(file);

/** @param {{ args: readonly string[], cwd: string }} call */
function run({ args, cwd }) {
  process.chdir(cwd);
  return new Promise((resolve) => {
    const streams = { 1: [], 2: [] };
    const written = Object.create(fs, {
      writeSync: {
        enumerable: true,
        value: (descriptor, data, ...rest) => {
          if (!(descriptor in streams)) return fs.writeSync(descriptor, data, ...rest);
          const bytes = Buffer.from(data).subarray(rest[0] ?? 0);
          streams[descriptor].push(bytes);
          return bytes.length;
        },
      },
    });
    const ended = Object.create(process, {
      argv: { value: [process.execPath, file, ...args] },
      exitCode: {
        set: (code) => {
          // No folder is kept from being removed.
          process.chdir(__dirname);
          resolve({ code, stdout: Buffer.concat(streams[1]), stderr: Buffer.concat(streams[2]) });
        },
      },
    });
    const module = { exports: {} };
    const own = (name) => (name === 'node:fs' || name === 'fs' ? written : load(name));
    bundle(own, module, module.exports, ended, file, path.dirname(file));
  });
}

let last = Promise.resolve();
process.on('message', (call) => {
  last = last.then(async () => {
    process.send(await run(call));
  });
});
