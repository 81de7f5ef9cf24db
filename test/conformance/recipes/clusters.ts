import { qemuImg } from '../../support/qemu';
import { SECTOR } from '../../support/workshop';
import { KIB, MIB, type Recipe, REFCOUNT_BITS } from './recipe';

/** Two layers of the cluster size, the overlay longer and on a base with other clusters, both with everything. */
export function clusterRecipe(exponent: number): Recipe {
  const cluster = 2 ** exponent;
  const label = cluster < KIB ? `${cluster}` : cluster < MIB ? `${cluster / KIB}k` : `${cluster / MIB}m`;
  return {
    name: `cluster-${label}`,
    about: `${label} clusters with data, zeroes, discards and compressed clusters, over a base of other clusters`,
    build(shop) {
      const large = cluster >= 256 * KIB;
      const clusters = large ? 6 : Math.min(400, Math.max(24, (256 * KIB) / cluster));
      const baseCluster = large ? 64 * KIB : Math.min(2 * MIB, cluster * 4);
      const baseSize = clusters * cluster - SECTOR * shop.draw.between(1, 9);
      const size = baseSize + Math.max(cluster, 4 * KIB) * shop.draw.between(2, 5) + 5 * SECTOR;
      const compression = exponent % 2 === 0 ? 'zlib' : 'zstd';
      shop.qcow2('base.qcow2', {
        size: baseSize,
        options: { cluster_size: baseCluster, refcount_bits: REFCOUNT_BITS[(exponent + 3) % 7] ?? 16 },
      });
      const noiseBudget = 4 * KIB;
      const both = { compress: true, noiseBudget };
      shop.scribble('base.qcow2', { size: baseSize, cluster: baseCluster, operations: 14, ...both });
      shop.qcow2('leaf.qcow2', {
        size,
        backing: 'base.qcow2',
        options: {
          cluster_size: cluster,
          compression_type: compression,
          refcount_bits: REFCOUNT_BITS[exponent % 7] ?? 16,
        },
      });
      shop.scribble('leaf.qcow2', { size, cluster, operations: large ? 14 : 28, ...both });
    },
  };
}

/** Subclusters in every state, where there is a backing file and where there is none. */
export function extendedRecipe(cluster: number, label: string): Recipe {
  return {
    name: `extended-l2-${label}`,
    about: `extended L2 entries, ${label} clusters: subclusters of data, zero (kept and not) and unallocated`,
    build(shop) {
      const unit = Math.max(SECTOR, cluster / 32);
      const size = cluster * 5 + 3 * unit + 3 * SECTOR;
      shop.raw('base.raw', cluster * 2 + 5 * SECTOR, [[0, shop.draw.text(Math.min(cluster, 24 * KIB))]], 'dense');
      for (const image of ['alone.qcow2', 'leaf.qcow2']) {
        const backing = image === 'leaf.qcow2' ? { backing: 'base.raw', backingFormat: 'raw' } : {};
        const options = { cluster_size: cluster, extended_l2: 'on', compression_type: 'zstd' };
        shop.qcow2(image, { size, ...backing, options });
        const states = Array.from({ length: 32 }, (_, index) => {
          const at = `${index * unit} ${unit}`;
          return [`write -P ${index + 1} ${at}`, `write -z ${at}`, `write -z -u ${at}`, undefined][index % 4];
        });
        shop.io(image, ...states.filter((command) => command !== undefined));
        shop.scribble(image, { size, cluster, unit, operations: 12, compress: true, noiseBudget: 2 * KIB });
        // A cluster of which nothing but a zero bit is known, and one whose data was all discarded again.
        shop.io(image, `write -z ${cluster * 3 + unit} ${unit}`, `write -P 200 ${cluster * 4} ${unit * 2}`);
        shop.io(image, `discard ${cluster * 4} ${unit}`);
      }
    },
  };
}

/** Clusters whose compressed form uses all a compressor has: text, noise, runs; and a last one cut short. */
export function compressionRecipe(type: 'zlib' | 'zstd'): Recipe {
  return {
    name: `compressed-${type}`,
    about: `${type}: text, noise that stays uncompressed, runs; over a backing file; in the last, partial cluster`,
    build(shop) {
      const size = 6 * 64 * KIB + 9 * SECTOR;
      const parts: [number, Uint8Array][] = [
        [0, shop.draw.text(30 * KIB)],
        [64 * KIB, shop.draw.bytes(4 * KIB)],
        [128 * KIB, new Uint8Array(64 * KIB).fill(7)],
        [192 * KIB, shop.draw.text(10 * KIB)],
        [6 * 64 * KIB - 3000, shop.draw.text(3000 + 9 * SECTOR)],
      ];
      shop.raw('source.raw', size, parts, 'sparse');
      const option = `compression_type=${type}`;
      // One coroutine, so that the clusters come in the same order every time.
      const convert = ['convert', '-q', '-m', '1', '-c', '-f', 'raw', '-O', 'qcow2'];
      qemuImg(shop.folder, ...convert, '-o', option, 'source.raw', 'base.qcow2');
      qemuImg(shop.folder, ...convert, '-o', `${option},cluster_size=4096`, 'source.raw', 'small.qcow2');
      shop.files.set('base.qcow2', 'dense').set('small.qcow2', 'dense').delete('source.raw');
      shop.qcow2('leaf.qcow2', { backing: 'base.qcow2', size: size + 64 * KIB, options: { compression_type: type } });
      const text = shop.pattern(shop.draw.text(12 * KIB));
      shop.io('leaf.qcow2', `write -c -s ${text} 65536 65536`, 'write -c -P 9 131072 65536', 'write -P 3 131584 1024');
      shop.io('leaf.qcow2', 'write -z -u 0 65536', 'write -c -P 77 393216 65536');
    },
  };
}
