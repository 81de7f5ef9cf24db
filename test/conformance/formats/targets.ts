/** What `qemu-img convert` can write. */
export interface Target {
  readonly title: string;
  /** The driver's id, which is QEMU's name too. */
  readonly format: string;
  /** `-o` options. */
  readonly options: Readonly<Record<string, string | number>>;
  readonly compress?: true;
}

const target = (format: string, options: Target['options'] = {}, compress?: true): Target => ({
  title: [format, ...Object.values(options), ...(compress ? ['compressed'] : [])].join(' '),
  format,
  options,
  ...(compress && { compress }),
});

const SIZES = ['off', 'on'] as const;

/**
 * Every format that qemu-img writes and we read. Left out are LUKS, of which only the header can be read, and compressed
 * qcow, which qemu-img 10.0 ends with 1 and no word.
 */
export const TARGETS: readonly Target[] = [
  target('raw'),
  target('qcow2'),
  target('qcow2', {}, true),
  target('qcow'),
  target('qed'),
  target('qed', { cluster_size: 4096, table_size: 2 }),
  target('vmdk', { subformat: 'monolithicSparse' }),
  target('vmdk', { subformat: 'monolithicSparse', zeroed_grain: 'on' }),
  target('vmdk', { subformat: 'monolithicFlat' }),
  target('vmdk', { subformat: 'twoGbMaxExtentSparse' }),
  target('vmdk', { subformat: 'twoGbMaxExtentFlat' }),
  target('vmdk', { subformat: 'streamOptimized' }, true),
  target('vdi'),
  target('vdi', { static: 'on' }),
  ...SIZES.flatMap((force) => [
    target('vpc', { subformat: 'dynamic', force_size: force }),
    target('vpc', { subformat: 'fixed', force_size: force }),
  ]),
  target('vhdx', { subformat: 'dynamic' }),
  target('vhdx', { subformat: 'dynamic', block_size: 1_048_576 }),
  target('vhdx', { subformat: 'fixed' }),
  target('parallels'),
  target('parallels', { cluster_size: 65_536 }),
];
