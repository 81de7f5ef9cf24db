import { strict as assert } from 'node:assert';
import { Session } from './harness';

describe('the packaged extension', () => {
  let session: Session;

  before(async () => {
    session = await Session.start({ delivery: 'vsix', trust: true });
  });

  after(async () => {
    await session.close();
  });

  it('draws the newest image of a folder that is not trusted', async () => {
    await session.answerTrust(false);
    const editor = await session.openImage('web01.qcow2');
    await editor.getByText('web01.before-upgrade.qcow2').first().waitFor();
    await editor.getByText('web01.img').first().waitFor();
    await session.screenshot('vsix');
    const colours = await editor.locator('canvas').evaluateAll((elements) =>
      elements.map((element) => {
        const canvas = element as HTMLCanvasElement;
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        // Three bits a channel, so that antialiasing alone does not count for much.
        const seen = new Set<number>();
        for (let at = 0; at + 3 < pixels.length; at += 4) {
          const [red = 0, green = 0, blue = 0] = [pixels[at], pixels[at + 1], pixels[at + 2]];
          seen.add(((red >> 5) << 6) | ((green >> 5) << 3) | (blue >> 5));
        }
        return seen.size;
      }),
    );
    assert.notDeepEqual(colours, []);
    for (const count of colours) assert.ok(count > 3, `a canvas shows ${count} colours`);
  });

  it('reports no error and asks nothing of the network', () => {
    assert.deepEqual(session.problems, []);
    assert.deepEqual([...session.foreignOrigins], []);
  });
});
