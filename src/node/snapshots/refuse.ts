import type { Finding } from '../../core';
import { DiskError } from '../../core';

/** Ends what was about to be done where there is a reason to. @throws DiskError `refused` with the first reason */
export function refuseFor(reasons: readonly Finding[]): void {
  const [first, ...others] = reasons;
  if (!first) return;
  const further = others.map(({ message }) => `; ${message}`).join('');
  throw new DiskError('refused', `${first.message}${further}`, {}, first.advice);
}

/** @throws DiskError `refused` */
export function refuse(message: string, advice?: string): never {
  throw new DiskError('refused', message, {}, advice);
}

/** The same where the first reason says enough. @throws DiskError `refused`, where there are any */
export function refuseForFirst([first]: readonly Finding[]): void {
  if (first) throw new DiskError('refused', first.message, {}, first.advice);
}
