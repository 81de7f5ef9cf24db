import type { Diagnosis, LayerStory } from '../../../snapshots/model';
import type { PlatformFiles } from '../../files';
import { folderOf, join, nameOf } from '../../paths';
import { Domain, isUuid } from '../domain';
import { storyOf } from '../story';
import { chainFindings } from './chain';
import { changeLeftovers, leftoverFindings, metadataFindings } from './domain';
import { volumeFindings } from './volume';
import type { Evidence, VolumeHeader } from './words';
import { metaOf } from './words';

export type { VolumeHeader } from './words';

/** What is to be looked at of a domain: all of it, or one disk. */
interface Scope {
  readonly domain: Domain;
  readonly image: string | undefined;
}

/** Reads the headers of volumes, by their paths; of what is no image, nothing. */
export type HeaderReader = (paths: readonly string[]) => ReadonlyMap<string, VolumeHeader>;

/** Folders of a mount that are looked into for domains. */
const MAX_FOLDERS = 1000;

/**
 * Everything that is wrong with storage domains. Writes nothing.
 * @param path of a domain, anything in one, or a folder that holds domains; absolute, with `/`, links followed
 */
export function* storageFindings(files: PlatformFiles, path: string, headersOf: HeaderReader): Generator<Diagnosis> {
  for (const { domain, image } of scopesAt(files, path)) {
    if (image === undefined) {
      yield* metadataFindings(domain);
      yield* leftoverFindings(domain, files);
    }
    const uuids = image === undefined ? domain.imageNames().filter(isUuid) : [image];
    /** A template's volume lies in many folders; it is told of once. */
    const told = new Set<string>();
    for (const uuid of uuids) yield* imageFindings(domain, uuid, headersOf, told);
  }
}

function* imageFindings(
  domain: Domain,
  uuid: string,
  headersOf: HeaderReader,
  told: Set<string>,
): Generator<Diagnosis> {
  const folder = domain.image(uuid);
  if (!folder) return;
  const volumes = [...folder.volumes.values()];
  const paths = volumes.filter(({ data }) => data?.kind === 'file').map(({ path }) => path);
  const evidence: Evidence = {
    domain,
    domainUuid: domain.metadata()?.uuid ?? '',
    folder,
    headers: headersOf(paths),
    previewed: volumes.some(({ uuid: volume }) => domain.told().get(volume)?.ovf.previewed),
  };
  yield* changeLeftovers(folder.leftovers);
  const stories = new Map(volumes.map((volume) => [volume.uuid, storyOf(domain, folder, volume)]));
  const disk = [...stories.values()]
    .map((story) => (story?.role === 'template' ? undefined : story?.disk))
    .find(Boolean);
  for (const finding of chainFindings(evidence)) yield named(finding, disk);
  for (const volume of volumes) {
    for (const finding of volumeFindings(evidence, volume)) {
      const key = `${volume.uuid} ${finding.code}`;
      if (metaOf(volume)?.role === 'SHARED' && told.has(key)) continue;
      told.add(key);
      yield named(finding, titleOf(stories.get(volume.uuid)) ?? disk);
    }
  }
}

/** What a person calls it goes first: of the path nobody knows which disk it is. */
const named = (finding: Diagnosis, name: string | undefined): Diagnosis =>
  name === undefined ? finding : { ...finding, message: `${name}: ${finding.message}` };

function titleOf(story: LayerStory | undefined): string | undefined {
  const { label, disk } = story ?? {};
  return label === undefined ? disk : `“${label}”${disk === undefined ? '' : ` of ${disk}`}`;
}

/** From the path upwards first: a domain, an image in one. Then downwards: a mount, or the folder of all mounts. */
function scopesAt(files: PlatformFiles, path: string): readonly Scope[] {
  for (let at = path; ; at = folderOf(at)) {
    if (isDomain(files, at)) return [{ domain: new Domain(files, at), image: imageWithin(at, path) }];
    if (isImageFolder(files, at)) return [{ domain: new Domain(files, folderOf(folderOf(at))), image: nameOf(at) }];
    if (folderOf(at) === at) break;
  }
  const below = (folder: string): readonly string[] =>
    (files.list(folder) ?? []).slice(0, MAX_FOLDERS).map((name) => join(folder, name));
  const mounted = below(path).filter((folder) => isDomain(files, folder));
  const found =
    mounted.length > 0
      ? mounted
      : below(path).flatMap((folder) => below(folder).filter((each) => isDomain(files, each)));
  return found.map((root) => ({ domain: new Domain(files, root), image: undefined }));
}

const isDomain = (files: PlatformFiles, folder: string): boolean =>
  files.stat(join(folder, 'dom_md'))?.kind === 'folder';

/** Of a domain of which nothing else can be seen. */
const isImageFolder = (files: PlatformFiles, folder: string): boolean =>
  isUuid(nameOf(folder)) &&
  nameOf(folderOf(folder)) === 'images' &&
  (files.list(folder) ?? []).some((name) => name.endsWith('.meta') && isUuid(name.slice(0, -'.meta'.length)));

function imageWithin(root: string, path: string): string | undefined {
  const [images, image] = path.slice(root.length + 1).split('/');
  return images === 'images' && image !== undefined && isUuid(image) ? image : undefined;
}
