import * as luks from './luks';
import * as parallels from './parallels';
import * as qcow from './qcow';
import * as qed from './qed';
import type { FormatRecipe } from './recipe';
import * as vdi from './vdi';
import * as vhdx from './vhdx';
import * as vmdk from './vmdk';
import * as vpc from './vpc';

/** The recipes of each format's fixtures, by driver id. */
export const FORMATS: Readonly<Record<string, readonly FormatRecipe[]>> = {
  qcow: qcow.RECIPES,
  qed: qed.RECIPES,
  vmdk: vmdk.RECIPES,
  vdi: vdi.RECIPES,
  vpc: vpc.RECIPES,
  vhdx: vhdx.RECIPES,
  parallels: parallels.RECIPES,
  luks: luks.RECIPES,
};
