import type { OtherFile } from './otherFiles';

/** Files of text that tell of a virtual machine, and where in them the names of its disks are. */
const MACHINES: readonly { readonly names: RegExp; readonly found: string; readonly disk: RegExp }[] = [
  {
    names: /\.vmx$/i,
    found: "a VMware machine's settings",
    disk: /^\s*[\w:]+\.fileName\s*=\s*"([^"\r\n]{1,255}\.vmdk)"/gim,
  },
  {
    names: /\.vbox(?:-prev)?$/i,
    found: "a VirtualBox machine's settings",
    disk: /<HardDisk\b[^>]*\blocation="([^"<>]{1,255})"/g,
  },
  {
    names: /\.ovf$/i,
    found: "an appliance's descriptor (OVF)",
    disk: /<(?:ovf:)?File\b[^>]*\bhref="([^"<>]{1,255})"/g,
  },
  {
    names: /\.vmsd$/i,
    found: "VMware's list of snapshots",
    disk: /^\s*snapshot\d+\.disk\d+\.fileName\s*=\s*"([^"\r\n]{1,255})"/gim,
  },
];

/** How many disks are named at most. */
const MOST_NAMED = 4;

/** What a file of text is, by its name, and which disks it names in what there is of its beginning. */
export function machineFile(fileName: string, head: Uint8Array): OtherFile | undefined {
  const machine = MACHINES.find(({ names }) => names.test(fileName));
  if (!machine) return undefined;
  const text = new TextDecoder('utf-8').decode(head);
  const disks = [...new Set([...text.matchAll(machine.disk)].flatMap(([, name]) => name ?? []))];
  const named = disks.slice(0, MOST_NAMED).join(', ');
  return {
    found: machine.found,
    advice:
      named === ''
        ? 'Open one of its disks: they lie beside it.'
        : `Open one of its disks: ${named}${disks.length > MOST_NAMED ? ', …' : ''}.`,
  };
}
