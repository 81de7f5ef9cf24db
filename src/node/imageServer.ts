import type { Environment, Picture } from '../core';
import { DiskError, finish, NOW, Session, toWire } from '../core';
import type {
  ImageSummary,
  OpenResult,
  PixelReply,
  PixelRequest,
  ReadReply,
  Standpoint,
  TraceReply,
} from '../protocol/image';
import type { MapFormat, OpenParams, WorkerEvents } from '../protocol/worker';
import { codecsReady } from './codecs';
import { createEnvironment } from './environment';
import { exportMap } from './exportMap';
import { openFile } from './files';
import { openImage } from './openImage';
import { inSlices, StopToken } from './slices';
import type { ScanState } from './summary';
import { summarizeSession } from './summary';

/** A scan that takes longer than this shows what it has so far. */
const REFINE_MS = 150;
/** The scan works this many times longer than the last picture on the way took, so that pictures never outweigh it. */
const REST_FACTOR = 4;
const MAX_READ = 1 << 20;

type Emit = <N extends keyof WorkerEvents>(name: N, data: WorkerEvents[N]) => void;

/** One open image inside a worker: answers at once with what is known, and scans on between messages. */
export class ImageServer {
  private params: OpenParams | undefined;
  private environment: Environment | undefined;
  private session: Session | undefined;
  private picture: Picture | undefined;
  private state: ScanState = { generation: 0, scan: 'running' };
  private scanning = new StopToken();
  private exporting = new StopToken();

  constructor(private readonly emit: Emit) {}

  open(params: OpenParams): OpenResult {
    const environment = createEnvironment(params.policy);
    const before = this.session;
    const opened = openImage(environment, params);
    before?.close();
    this.scanning.stop();
    this.params = params;
    this.environment = environment;
    this.session = undefined;
    if (opened.kind !== 'session') return opened;
    this.session = opened.session;
    this.restoreStandpoint(opened.session, params.standpoint ?? NOW);
    this.startScan(opened.session);
    return { kind: 'image', summary: this.summary(opened.session) };
  }

  look(at: Standpoint): ImageSummary {
    const session = this.opened();
    session.stand(at);
    this.startScan(session);
    return this.summary(session);
  }

  pixels({ start, cellBytes, cells }: PixelRequest): PixelReply {
    const session = this.opened();
    const picture = this.pictureOf(session);
    return {
      generation: this.state.generation,
      complete: picture.complete,
      pixels: session.pixels(picture, start, cellBytes, cells),
    };
  }

  trace(offset: number): TraceReply {
    return { generation: this.state.generation, trace: this.opened().trace(offset) };
  }

  async read(offset: number, length: number): Promise<ReadReply> {
    await codecsReady();
    const session = this.opened();
    const room = session.view.guestSize - offset;
    if (!(room > 0)) throw new DiskError('out-of-range', `byte ${offset} is past the end of the disk`);
    const bytes = new Uint8Array(Math.min(length, room, MAX_READ));
    return { offset, bytes, gaps: session.read(this.pictureOf(session), offset, bytes) };
  }

  /**
   * Reads the tables anew: a map with host offsets is not kept for a picture.
   * @returns the number of entries, or null when the export was cancelled
   */
  async exportMap(target: string, format: MapFormat): Promise<{ entries: number | null }> {
    const { params, environment } = this;
    const { chain, standpoint } = this.opened();
    if (!params || !environment) throw new Error('no image is open');
    const session = new Session(environment, openFile(params.path, params.policy), true, {
      format: chain.layers[0]?.layer.format,
    });
    this.exporting = new StopToken();
    try {
      session.stand(standpoint);
      const job = exportMap(session, format, target);
      const entries = await inSlices(job, this.exporting, ({ done, total }) => {
        this.emit('exported', { done, total });
      });
      if (entries === undefined) job.return(0);
      return { entries: entries ?? null };
    } finally {
      session.close();
    }
  }

  cancelExport(): void {
    this.exporting.stop();
  }

  private opened(): Session {
    if (!this.session) throw new Error('no image is open');
    return this.session;
  }

  private summary(session: Session): ImageSummary {
    return summarizeSession(session, this.state);
  }

  /** The picture so far: before any layer is scanned, all of it unknown. */
  private pictureOf(session: Session): Picture {
    this.picture ??= finish(session.picture());
    return this.picture;
  }

  /** After a file changed, a layer or snapshot may be gone: then the disk is looked at as it is now. */
  private restoreStandpoint(session: Session, at: Standpoint): void {
    try {
      session.stand(at);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  private startScan(session: Session): void {
    this.scanning.stop();
    this.scanning = new StopToken();
    this.picture = undefined;
    this.state = { generation: this.state.generation + 1, scan: 'running' };
    void this.scan(session, this.scanning);
  }

  private async scan(session: Session, token: StopToken): Promise<void> {
    let due = Date.now() + REFINE_MS;
    try {
      const picture = await inSlices(session.scan(), token, async ({ done, total, layer }) => {
        this.emit('progress', { done, total, layer });
        const begun = Date.now();
        if (begun < due) return;
        const soFar = await inSlices(session.picture(), token, () => undefined);
        if (soFar) this.show(session, soFar, 'running');
        due = Date.now() + Math.max(REFINE_MS, (Date.now() - begun) * REST_FACTOR);
      });
      if (picture) this.show(session, picture, 'complete');
    } catch (error) {
      if (token.stopped) return;
      this.state = { ...this.state, scan: 'failed', scanError: toWire(error) };
      this.emit('changed', this.summary(session));
    }
  }

  private show(session: Session, picture: Picture, scan: 'running' | 'complete'): void {
    this.picture = picture;
    this.state = {
      generation: this.state.generation + 1,
      scan,
      accounting: scan === 'complete' ? picture.accounting : undefined,
    };
    this.emit('changed', this.summary(session));
  }
}
