// A JPEG's segments in; its Huffman tables, its frame and the heads of its scans out, as counting needs them.
import { type HuffmanTable, huffmanTable } from './jpeg-bits.ts';

/** What is not counted: arithmetic coding, lossless, or nonsense. */
export class NotCounted extends Error {}

export interface Component {
  id: number;
  h: number;
  v: number;
  columns: number; // blocks that hold something of the picture, for a scan of this component alone
  rows: number;
  stride: number; // blocks in a row of whole MCUs
  known: Uint8Array | null; // progressive: which coefficients are not zero, as a refining scan must know
  /** Of each coefficient: how many low bits are still to come; −1: all of it is. */
  missing: Int8Array;
}
export interface Frame {
  progressive: boolean;
  components: Component[];
  mcuColumns: number;
  mcuRows: number;
}
export interface ScanHead {
  parts: { component: Component; dc: HuffmanTable | undefined; ac: HuffmanTable | undefined }[];
  first: number; // Ss
  last: number; // Se
  high: number; // Ah: 0 for the first scan of these coefficients
  low: number; // Al: bits that come in later scans
}

export function readTables(segment: Uint8Array, tables: Map<number, HuffmanTable>): void {
  for (let at = 0; at + 17 <= segment.length; ) {
    const lengths = segment.subarray(at + 1, at + 17);
    const count = lengths.reduce((sum, n) => sum + n, 0);
    tables.set(segment[at]!, huffmanTable(lengths, segment.subarray(at + 17, at + 17 + count)));
    at += 17 + count;
  }
}

export function readFrame(marker: number, segment: Uint8Array): Frame {
  if (marker > 0xc2 || segment.length < 6) throw new NotCounted();
  const height = (segment[1]! << 8) | segment[2]!;
  const width = (segment[3]! << 8) | segment[4]!;
  const count = segment[5]!;
  if (!width || !height || !count || segment.length < 6 + 3 * count) throw new NotCounted();
  const raw = Array.from({ length: count }, (_, i) => {
    const factors = segment[7 + 3 * i]!;
    return { id: segment[6 + 3 * i]!, h: factors >> 4, v: factors & 15 };
  });
  if (raw.some(({ h, v }) => h < 1 || h > 4 || v < 1 || v > 4)) throw new NotCounted();
  const hMax = Math.max(...raw.map(({ h }) => h));
  const vMax = Math.max(...raw.map(({ v }) => v));
  const mcuColumns = Math.ceil(width / (8 * hMax));
  const mcuRows = Math.ceil(height / (8 * vMax));
  const progressive = marker === 0xc2;
  const components = raw.map(({ id, h, v }): Component => {
    const stride = mcuColumns * h;
    return {
      ...{ id, h, v, stride },
      columns: Math.ceil(Math.ceil((width * h) / hMax) / 8),
      rows: Math.ceil(Math.ceil((height * v) / vMax) / 8),
      known: progressive ? new Uint8Array(64 * stride * mcuRows * v) : null,
      missing: new Int8Array(64).fill(-1),
    };
  });
  return { progressive, components, mcuColumns, mcuRows };
}

export function readScanHead(segment: Uint8Array, frame: Frame, tables: Map<number, HuffmanTable>): ScanHead {
  const count = segment[0] ?? 0;
  if (count < 1 || count > 4 || segment.length < 4 + 2 * count) throw new NotCounted();
  const parts = Array.from({ length: count }, (_, i) => {
    const component = frame.components.find(({ id }) => id === segment[1 + 2 * i]);
    const table = segment[2 + 2 * i]!;
    if (!component) throw new NotCounted();
    return { component, dc: tables.get(table >> 4), ac: tables.get(0x10 | (table & 15)) };
  });
  const [first, last, approximation] = segment.subarray(1 + 2 * count) as unknown as [number, number, number];
  if (!frame.progressive) return { parts, first: 0, last: 63, high: 0, low: 0 };
  if (first > last || last > 63 || (first > 0 && count > 1)) throw new NotCounted();
  return { parts, first, last, high: approximation >> 4, low: approximation & 15 };
}
