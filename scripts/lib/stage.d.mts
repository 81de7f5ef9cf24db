/** Copies into `folder` the files that .vscodeignore lets into the package. */
export function stageExtension(folder: string): Promise<void>;
