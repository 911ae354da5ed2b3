// In: a kernel form by name and the layouts of a product's operands. Out: how shaders/gemm.wgsl cuts the product: threads, results a thread, k a step, and where operands lie in workgroup memory.
import type { GemmVariant } from '../graph/op.ts';

/** A workgroup of SN × SM threads, ROWS × COLS results a thread, 4 · QUADS k at a time. */
export interface Form {
  readonly SN: number;
  readonly SM: number;
  readonly ROWS: number;
  readonly COLS: number;
  readonly QUADS: number;
  readonly TILED: boolean;
}

/**
 * Tiles are rows × columns. 8 × 8 results a thread: 16 multiply-adds for every 16 bytes from workgroup memory, and up to 128 registers, which leaves
 * AMD's SIMDs eight waves. Four quads a step are few enough stores and barriers and too many for a compiler to unroll: 1.12 instructions a multiply-add,
 * half the text to compile. Registers a thread and instructions a multiply-add by AMD's compiler: `npm run isa`.
 */
const forms: Record<GemmVariant, Form> = {
  // 128 × 64 by 128 threads, 13 KB: a value from storage for every 43 multiply-adds
  tile128: { SN: 8, SM: 16, ROWS: 8, COLS: 8, QUADS: 4, TILED: true },
  // 64 × 64 by 64 threads, 9 KB: for every 32
  tile64: { SN: 8, SM: 8, ROWS: 8, COLS: 8, QUADS: 4, TILED: true },
  // 32 × 32 by 64 threads, 4.7 KB: for every 16. For products too small to fill a card otherwise
  tile32: { SN: 8, SM: 8, ROWS: 4, COLS: 4, QUADS: 4, TILED: true },
  // 64 × 16 by 64 threads, 6.1 KB: what LoRA's factors multiply is 4 to 16 columns wide
  narrow: { SN: 4, SM: 16, ROWS: 4, COLS: 4, QUADS: 4, TILED: true },
  // 64 × 32 by 64 threads, each loading for itself: eight rows a thread read each of b's values half as often (measured: 1.5 × on lavapipe and SwiftShader)
  registers: { SN: 8, SM: 8, ROWS: 8, COLS: 4, QUADS: 1, TILED: false },
};

/**
 * The form of a product of `m` rows and sums of `k`. Two quads a step instead of four where the last step would be half empty, and where what a thread
 * must know of its pixels takes AMD's compiler past 128 registers otherwise (144 to 152).
 */
export function formOf(variant: GemmVariant, m: number, k: number, aLayout: string): Form {
  const form = forms[variant];
  if (!form.TILED) return m <= 4 ? { ...form, ROWS: 4 } : form;
  const crowded = form.COLS === 8 && (aLayout === 'conv_dx' || (aLayout === 'conv' && variant === 'tile64'));
  return crowded || (k % 16 !== 0 && k % 8 === 0) ? { ...form, QUADS: 2 } : form;
}

/** Results of a workgroup. */
export const tileRows = (f: Form): number => f.ROWS * f.SM;
export const tileColumns = (f: Form): number => f.COLS * f.SN;

/**
 * Where a tile of `rows` rows lies in workgroup memory, in vec4s: quad q of row 4·g + i at q · quad + i · row + g.
 * Eight neighbouring threads store QUADS quads of as many rows as it takes, and read neighbouring g. Memory has eight banks of 16 bytes: with an odd row
 * stride and quads 2 (of four quads) or 4 (of two) apart from it, modulo 8, all eight differ (test/ops/bank-conflicts.test.ts).
 */
export function strides(rows: number, quads: number): { row: number; quad: number; size: number } {
  const row = (rows / 4) | 1;
  const quad = 4 * row + (quads === 4 ? 2 : 0);
  return { row, quad, size: (quads - 1) * quad + 3 * row + rows / 4 };
}

/** The defines of a form: an operand that is contiguous along k is kept in strides, one that is not as it comes. */
export function tileDefines(f: Form, aAlongK: boolean, bAlongK: boolean): Record<string, number | boolean> {
  if (!f.TILED) return { ...f };
  const [rows, columns] = [tileRows(f), tileColumns(f)];
  const [a, b] = [strides(rows, f.QUADS), strides(columns, f.QUADS)];
  return {
    ...f,
    A_LOADS: (rows * f.QUADS) / (f.SN * f.SM),
    B_LOADS: (columns * f.QUADS) / (f.SN * f.SM),
    A_SIZE: aAlongK ? a.size : rows * f.QUADS,
    B_SIZE: bAlongK ? b.size : columns * f.QUADS,
    ...(aAlongK && { A_QUAD: a.quad, A_ROW: a.row }),
    ...(bAlongK && { B_QUAD: b.quad, B_ROW: b.row }),
  };
}
