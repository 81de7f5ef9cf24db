/** LUKS2 On-Disk Format Specification 1.1.1. */
export const LIMITS = {
  /** Section 2.1, "Binary header": the allowed sizes of one header with its JSON area; a second one begins where it ends. */
  headerSizes: [0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000] as readonly number[],
  /** cryptsetup, lib/luks2/luks2.h, LUKS2_KEYSLOTS_MAX, LUKS2_SEGMENT_MAX: no more of either are told. */
  maxKeySlots: 32,
  maxSegments: 32,
  /** Ours: no more are told. */
  maxRequirements: 32,
} as const;
