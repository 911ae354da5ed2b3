// A JPEG's bytes in; whether the compressed data of its whole picture is there out. Nothing is decoded: the Huffman codes are only counted off.
// (ITU T.81: a picture is blocks of 64 coefficients, in one scan or, progressively, in many. Names are the standard's.)
import { EndOfData, type HuffmanTable, ScanBits } from './jpeg-bits.ts';
import { type Frame, NotCounted, readFrame, readScanHead, readTables, type ScanHead } from './jpeg-headers.ts';

/**
 * 'whole' when every block of every component was counted to its last bit, with or without an end marker; 'cut' when the data ends before;
 * 'unknown' for what this does not count: arithmetic coding, lossless, damage within.
 */
export function jpegScans(bytes: Uint8Array): 'whole' | 'cut' | 'unknown' {
  try {
    return walk(bytes);
  } catch (error) {
    if (error instanceof EndOfData) return 'cut';
    if (error instanceof NotCounted) return 'unknown';
    throw error;
  }
}

function walk(bytes: Uint8Array): 'whole' | 'cut' {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tables = new Map<number, HuffmanTable>(); // by class << 4 | id
  let frame: Frame | null = null;
  let restart = 0;
  let at = 2;
  for (;;) {
    at = nextMarker(bytes, at);
    const marker = bytes[at + 1];
    if (at < 0 || marker === undefined || marker === 0xd9) break;
    at += 2;
    if (marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    const end = at + 2 <= bytes.length ? at + view.getUint16(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new EndOfData();
    if (end < at + 2) throw new NotCounted();
    const segment = bytes.subarray(at + 2, end);
    at = end;
    if (marker === 0xc4) readTables(segment, tables);
    else if (marker === 0xdd) restart = ((segment[0] ?? 0) << 8) | (segment[1] ?? 0);
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) frame = readFrame(marker, segment);
    else if (marker === 0xda) {
      if (!frame) throw new NotCounted();
      const head = readScanHead(segment, frame, tables);
      const bits = new ScanBits(bytes, at);
      countScan(bits, frame, head, restart);
      at = bits.at;
      for (const { component } of head.parts) component.missing.fill(head.low, head.first, head.last + 1);
    }
  }
  if (!frame) throw new NotCounted();
  return frame.components.every(({ missing }) => missing.every((bits) => bits === 0)) ? 'whole' : 'cut';
}

function nextMarker(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at >= 0 && (bytes[at + 1] === 0 || bytes[at + 1] === 0xff)) at = bytes.indexOf(0xff, at + 1);
  return at;
}

/** Counts off one scan's data, MCU by MCU. A scan of one component has its blocks one by one instead. */
function countScan(bits: ScanBits, frame: Frame, head: ScanHead, restart: number): void {
  const count = blockCounter(bits, frame, head);
  const [only] = head.parts;
  const alone = head.parts.length === 1;
  const columns = alone ? only!.component.columns : frame.mcuColumns;
  const units = columns * (alone ? only!.component.rows : frame.mcuRows);
  for (let unit = 0; unit < units; unit++) {
    if (restart && unit > 0 && unit % restart === 0) {
      bits.restart();
      count.restart();
    }
    const row = Math.floor(unit / columns);
    const column = unit % columns;
    if (alone) count.block(0, row * only!.component.stride + column);
    else
      for (let part = 0; part < head.parts.length; part++) {
        const { h: width, v: height, stride } = head.parts[part]!.component;
        for (let v = 0; v < height; v++)
          for (let h = 0; h < width; h++) count.block(part, (row * height + v) * stride + column * width + h);
      }
    bits.check();
  }
}

function blockCounter(bits: ScanBits, frame: Frame, { parts, first, last, high }: ScanHead) {
  let endOfBand = 0; // blocks, this one included, that have nothing more in this band
  const table = (found: HuffmanTable | undefined): HuffmanTable => {
    if (!found) throw new NotCounted();
    return found;
  };
  const code = (found: HuffmanTable): number => {
    const symbol = bits.symbol(found);
    if (symbol < 0) {
      bits.check(); // zeros after the end are no code of any table
      throw new NotCounted();
    }
    return symbol;
  };
  const sequential = (part: number): void => {
    const { dc, ac } = parts[part]!;
    bits.skip(code(table(dc)));
    const acTable = table(ac);
    for (let k = 1; k < 64; k++) {
      const symbol = code(acTable);
      const size = symbol & 15;
      if (size) {
        k += symbol >> 4;
        bits.skip(size);
      } else if (symbol === 0xf0) k += 15;
      else break;
    }
  };
  const direct = (part: number): void => (high ? bits.skip(1) : bits.skip(code(table(parts[part]!.dc))));
  const band = (part: number, block: number): void => {
    const { component, ac } = parts[part]!;
    const known = component.known!.subarray(64 * block, 64 * block + 64);
    if (high) {
      refine(known, table(ac));
      return;
    }
    if (endOfBand > 0) {
      endOfBand--;
      return;
    }
    const acTable = table(ac);
    for (let k = first; k <= last; k++) {
      const symbol = code(acTable);
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size) {
        k += run;
        bits.skip(size);
        if (k < 64) known[k] = 1;
      } else if (run === 15) k += 15;
      else {
        endOfBand = (1 << run) - 1 + (run ? bits.take(run) : 0);
        break;
      }
    }
  };
  /** G.1.2.3: a code's zeros are counted over coefficients that are zero so far; each of the others has one bit of its own. */
  const refine = (known: Uint8Array, acTable: HuffmanTable): void => {
    let k = first;
    if (endOfBand === 0)
      for (; k <= last; k++) {
        const symbol = code(acTable);
        const size = symbol & 15;
        let run = symbol >> 4;
        if (size) bits.skip(1);
        else if (run < 15) {
          endOfBand = (1 << run) + (run ? bits.take(run) : 0);
          break;
        }
        for (; k <= last; k++) {
          if (known[k]) bits.skip(1);
          else if (run-- === 0) break;
        }
        if (size && k <= last) known[k] = 1;
      }
    if (endOfBand > 0) {
      for (; k <= last; k++) if (known[k]) bits.skip(1);
      endOfBand--;
    }
  };
  return {
    block: !frame.progressive ? sequential : first === 0 ? direct : band,
    restart: () => {
      endOfBand = 0;
    },
  };
}
