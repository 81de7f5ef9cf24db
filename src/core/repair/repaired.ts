/**
 * Whether images of a format are repaired here: qemu-img repairs few others (QED, Parallels), and of QED it lets go of what
 * a broken entry stands for and frees nothing that is leaked.
 */
export const isRepaired = (format: string): boolean => format === 'qcow2';
