import type { Severity } from '../../../model';
import type { Certainty, Diagnosis } from '../../../snapshots/model';
import type { Domain, ImageFolder, Volume } from '../domain';
import type { VolumeMeta } from '../meta';

/** What a volume's own data says, whatever its metadata says of it. */
export interface VolumeHeader {
  /** `raw` where nothing else is recognised. */
  readonly format: string;
  readonly guestSize: number;
  /** As written; null for a base. */
  readonly backing: string | null;
}

/** One disk as it is judged: what its metadata says, and what its volumes' headers say. */
export interface Evidence {
  readonly domain: Domain;
  readonly domainUuid: string;
  readonly folder: ImageFolder;
  /** By the volume's path; none for what is no image, though it should be one. */
  readonly headers: ReadonlyMap<string, VolumeHeader>;
  /** True where the engine's own account of the VM says that a preview goes on. */
  readonly previewed: boolean;
}

export const metaOf = ({ meta }: Volume): VolumeMeta | undefined => (meta?.kind === 'meta' ? meta.meta : undefined);

/** The volume that a qcow2 names as its parent: `<volume>`, formerly `../<image>/<volume>`. */
export const backingName = ({ backing }: VolumeHeader): string | undefined =>
  backing === null ? undefined : backing.slice(backing.lastIndexOf('/') + 1).toLowerCase();

/** Volumes of the same disk whose metadata names this one as their parent. */
export const childrenByMeta = ({ volumes }: ImageFolder, uuid: string): readonly Volume[] =>
  [...volumes.values()].filter((volume) => metaOf(volume)?.parent === uuid);

/** Nothing is ever mended here: what is in a domain is the engine's. */
export function diagnosis(
  code: string,
  severity: Severity,
  path: string,
  message: string,
  { meaning, certainty = 'certain', advice }: { meaning: string; certainty?: Certainty; advice: string },
): Diagnosis {
  return { code, severity, path, message, meaning, certainty, remedies: [{ title: advice, remedy: { kind: 'none' } }] };
}

/** For what no command of the engine mends. */
export const ASK_SUPPORT =
  'Change nothing by hand: copy the image’s folder elsewhere first, then have the engine’s support compare it with its database.';
