import { ImageWorker } from '../../src/node/workerClient';
import { TRUST_ALL } from '../../src/node/gate';

/**
 * Times what the editor waits for on one image, through a real worker: the chain and its facts, then the whole map and
 * its first screen of cells. Prints one line of JSON: medians in milliseconds.
 */

const [, , workerPath = '', image = '', rounds = '15'] = process.argv;
const CELLS = 4000;

async function once(): Promise<{ facts: number; picture: number }> {
  const start = performance.now();
  const worker = new ImageWorker(workerPath);
  try {
    const complete = new Promise<number>((resolve, reject) => {
      worker.on('changed', ({ scan, guestSize, scanError }) => {
        if (scan === 'failed') reject(new Error(scanError?.message));
        if (scan === 'complete') resolve(guestSize);
      });
    });
    const opened = await worker.call('open', { path: image, policy: TRUST_ALL, forceRaw: false });
    if (opened.kind !== 'image') throw new Error(`${image} did not open`);
    const facts = performance.now() - start;
    const guestSize = await complete;
    await worker.call('pixels', { start: 0, cellBytes: guestSize / CELLS, cells: CELLS });
    return { facts, picture: performance.now() - start };
  } finally {
    worker.dispose();
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;

async function main(): Promise<void> {
  const facts: number[] = [];
  const picture: number[] = [];
  for (let round = 0; round < Number(rounds); round += 1) {
    const times = await once();
    facts.push(times.facts);
    picture.push(times.picture);
  }
  console.log(JSON.stringify({ facts: median(facts), picture: median(picture) }));
}

void main();
