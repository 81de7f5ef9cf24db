/** What is never a disk, by its name. */
const NO_DISK = /\.(?:json|meta|lease|xml|log|txt|md|iso|sig|sha256)$/i;

export const isNoDisk = (file: string): boolean => NO_DISK.test(file);
