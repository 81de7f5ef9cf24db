import { BLOCK } from './content';
import { DISCARDED, UNTOUCHED } from './disk';
import type { ContentSpec } from './content';
import type { Life } from './life';

/** The sample's README.md: what each image is, and what to look for in it. */
export function readme({ factory, upgraded, experiment }: Life): string {
  const hex = (block: number): string => `0x${(block * BLOCK).toString(16)}`;
  const oldKernel = hex(discardedKernel(factory, upgraded));
  const changedPage = hex(pageOnlyIn(experiment));
  return `# web01, a machine with a past

The disk of a small web server that sells stones: 1 GiB, an MBR, an ext4 root (895 MiB) and a swap partition (128 MiB).
It was born from a factory image of 96 MiB and has been snapshotted ever since; each file holds what changed until the
next snapshot was taken. All of it is made up, the machine, its distribution and its owner included.

\`\`\`
web01.img                        11 February 2025   the factory image: raw, 96 MiB, one partition
└─ web01.after-install.qcow2      3 March           grown to 1 GiB, packages and the shop installed, then compacted
   └─ web01.before-upgrade.qcow2  17 June           three months of logs, orders and photos; clusters of 16 KiB
      ├─ web01.qcow2              22 June           the upgrade, and the machine as it is now
      └─ web01.experiment.qcow2   18 June           somebody tried something: extended L2 entries, zstd

db01.snapshot.qcow2              30 May             another machine's, in the old version 2; its base is not here
\`\`\`

- **web01.after-install.qcow2** is mostly compressed, as \`qemu-img convert -c\` leaves a disk. The zero runs across the
  middle are free space that was filled with zeros first. The database's redo logs are preallocated zeros.
- **web01.before-upgrade.qcow2** holds an internal snapshot, *before-logturn* of 9 May, with the machine's memory.
- **web01.qcow2** carries a dirty bitmap, *nightly-2025-06-22*, and many zero clusters: what the upgrade deleted was
  discarded, and hides what older layers still store.
- **db01.snapshot.qcow2** shows what a chain looks like whose parent was left behind.

## Three things to try

1. **Find the deleted kernel.** Open \`web01.qcow2\` and go to offset \`${oldKernel}\`. The newest layer says zero, yet
   the factory image still holds the old kernel. Point at the card of *before-upgrade* and press *As of here*: the disk
   as that layer saw it, kernel and all.
2. **See how small a write can be.** Open \`web01.experiment.qcow2\` at offset \`${changedPage}\` and zoom in: of one
   64 KiB cluster this layer owns a few subclusters of 2 KiB, the rest comes from the layers below.
3. **Ask who still needs what.** In \`web01.qcow2\`, compare what each layer owns with what newer ones hide of it. Then
   open \`web01.experiment.qcow2\`: the same three layers lie under it, and it hides much less of *before-upgrade*. What
   is hidden in one branch is still needed in the other.
`;
}

/** A block of the factory image's kernel that the upgrade removed and discarded. */
function discardedKernel(factory: Life['factory'], upgraded: Life['upgraded']): number {
  for (let block = 0; block < factory.blocks; block++) {
    if (upgraded.how(block) === DISCARDED && factory.file(block)?.kind === 'kernel') {
      return block;
    }
  }
  throw new Error('the upgrade discarded no kernel');
}

function isDatabase(file: ContentSpec | undefined): boolean {
  return file?.kind === 'pages' && file.magic === 'BURROWDB';
}

/** A database page that the experiment changed alone in its cluster. */
function pageOnlyIn(experiment: Life['experiment']): number {
  const perCluster = (64 * 1024) / BLOCK;
  for (let cluster = 0; cluster < experiment.blocks / perCluster; cluster++) {
    const blocks = Array.from({ length: perCluster }, (_, i) => cluster * perCluster + i);
    const touched = blocks.filter((block) => experiment.how(block) !== UNTOUCHED);
    const [page] = touched;
    if (page !== undefined && touched.length < 4 && isDatabase(experiment.file(page))) {
      return page;
    }
  }
  throw new Error('the experiment changed no page alone');
}
