/** Work that waits for the next frame. It answers true when it wants the frame after that one too. */
export type FrameJob = (now: number) => boolean | undefined;

const waiting = new Set<FrameJob>();
let requested = false;

/** Runs `job` once in the next frame, however often it is asked for. Everything that paints goes through here. */
export function nextFrame(job: FrameJob): void {
  waiting.add(job);
  if (requested) return;
  requested = true;
  requestAnimationFrame(run);
}

function run(now: number): void {
  requested = false;
  const jobs = [...waiting];
  waiting.clear();
  for (const job of jobs) {
    if (job(now) === true) nextFrame(job);
  }
}
