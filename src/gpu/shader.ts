// A launch → WGSL text: declarations generated from its dims and operands, then the shader file with a small preprocessor applied.
//
//   #include name            shaders/shared/name.wgsl
//   #if EXPR / #else / #endif
//   #for i in A..B … #endfor repeats its body with ${i} = A … B-1: Tint does not unroll, and an index that is a constant costs no clamp
//   ${EXPR}                  whole-number expression over defines and loop variables, or a define's text
import type { DimValue, Launch, Operand } from '../graph/op.ts';
import type { StorageType } from '../tensor/tensor.ts';

const files = import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true });

/** The text of shaders/<path>.wgsl. */
export function shaderFile(path: string): string {
  const text = files[`../../shaders/${path}.wgsl`];
  if (text === undefined)
    throw new Error(`shaders/${path}.wgsl does not exist; there are ${Object.keys(files).join(', ')}`);
  return text;
}

/** Everything that decides a pipeline, as a key: launches that agree in it share one. */
export function pipelineKey(launch: Launch): string {
  const operands = (set: Launch['reads']): string =>
    Object.entries(set)
      .map(([name, o]) => `${name}:${storageClass(o)}${o.tensor.dtype}x${o.width}`)
      .join(',');
  const dims = Object.entries(launch.dims).map(([name, v]) => name + (typeof v === 'number' ? '' : ':f'));
  return [
    launch.shader,
    launch.entry,
    JSON.stringify(launch.defines),
    dims.join(','),
    operands(launch.reads),
    operands(launch.writes),
  ].join('|');
}

/** The whole WGSL module of a launch. */
export function wgsl(launch: Launch): string {
  const operands = [...Object.entries(launch.reads), ...Object.entries(launch.writes)];
  const has = Object.fromEntries(operands.map(([name]) => [`HAS_${name.toUpperCase()}`, true]));
  const declarations = [
    ...(Object.keys(launch.dims).length > 0 ? [dimsStruct(launch.dims)] : []),
    ...operands.map(([name, o], i) => declare(name, o, i + 1, name in launch.writes)),
  ];
  return preprocess(`${declarations.join('\n')}\n#include storage\n${shaderFile(launch.shader)}`, {
    ...has,
    ...launch.defines,
  });
}

function dimsStruct(dims: Record<string, DimValue>): string {
  const fields = Object.entries(dims).map(([name, v]) => `  ${name}: ${typeof v === 'number' ? 'u32' : 'f32'},`);
  return `struct Dims {\n${fields.join('\n')}\n}\n@group(0) @binding(0) var<uniform> dims: Dims;`;
}

/** Weights have buffers of their own and are bound read-only; the arena is bound read_write always (DESIGN §3). */
export const storageClass = (o: Operand): 'read' | 'read_write' => (o.tensor.kind === 'weight' ? 'read' : 'read_write');

/** How a value of each storage type is read from `<name>_data`, by access width. q8's layout is told in shaders/quantise.wgsl. */
const loads: Record<Exclude<StorageType, 'u32'>, Partial<Record<Operand['width'], (data: string) => string>>> = {
  f32: {
    1: (d) => `return ${d}[i];`,
    2: (d) => `return ${d}[i];`,
    4: (d) => `return ${d}[i];`,
  },
  f16: {
    1: (d) => `let w = unpack2x16float(${d}[i >> 1u]); return select(w.x, w.y, (i & 1u) == 1u);`,
    2: (d) => `return unpack2x16float(${d}[i]);`,
    4: (d) => `let w = ${d}[i]; return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));`,
  },
  q8: {
    4: (d) =>
      `let w = bitcast<i32>(${d}[i + (i >> 4u) + 1u]); let s = unpack2x16float(${d}[(i & ~15u) + (i >> 4u)]); ` +
      'return vec4<f32>(vec4<i32>(w << 24u, w << 16u, w << 8u, w) >> vec4<u32>(24u)) * (select(s.x, s.y, (i & 8u) != 0u) * 0.0078125);',
  },
};

function declare(name: string, o: Operand, binding: number, written: boolean): string {
  const { dtype } = o.tensor;
  if (dtype === 'u32')
    return `@group(0) @binding(${binding}) var<storage, ${storageClass(o)}> ${name}_data: array<u32>;`;
  const vec = o.width === 1 ? 'f32' : `vec${o.width}<f32>`;
  const element = dtype === 'f32' ? vec : dtype === 'f16' && o.width === 4 ? 'vec2<u32>' : 'u32';
  const load = loads[dtype][o.width];
  if (!load) throw new Error(`${name}: ${dtype} cannot be read ${o.width} at a time`);
  const lines = [
    `@group(0) @binding(${binding}) var<storage, ${storageClass(o)}> ${name}_data: array<${element}>;`,
    `fn load_${name}(i: u32) -> ${vec} { ${load(`${name}_data`)} }`,
  ];
  if (written) {
    if (dtype === 'q8') throw new Error(`${name}: only frozen weights are q8, and nothing writes them`);
    if (dtype === 'f16' && o.width === 1)
      throw new Error(`${name}: a f16 tensor cannot be stored one value at a time (two threads would share a word)`);
    const value = dtype === 'f32' ? 'v' : o.width === 4 ? 'vec2<u32>(pack_f16(v.xy), pack_f16(v.zw))' : 'pack_f16(v)';
    lines.push(`fn store_${name}(i: u32, v: ${vec}) { ${name}_data[i] = ${value}; }`);
  }
  return lines.join('\n');
}

type Values = Record<string, number | string | boolean>;

/** Applies the directives described at the top of this file. Throws on an unknown directive or an unbalanced block, naming the line. */
export function preprocess(text: string, values: Values): string {
  const lines = text.split('\n').flatMap((line) => {
    const include = /^\s*#include\s+(\S+)/.exec(line);
    return include ? shaderFile(`shared/${include[1]}`).split('\n') : [line];
  });
  const out: string[] = [];
  const end = expand(lines, 0, values, out, true);
  if (end !== lines.length) throw new Error(`unbalanced ${lines[end]}`);
  return out.join('\n');
}

/** Expands lines[from…] up to the directive that ends the enclosing block; returns its index. */
function expand(lines: readonly string[], from: number, values: Values, out: string[], live: boolean): number {
  let i = from;
  while (i < lines.length) {
    const line = lines[i] as string;
    const directive = /^\s*#(\w+)\s*(.*?)\s*$/.exec(line);
    if (!directive) {
      if (live) out.push(line.replace(/\$\{([^}]+)\}/g, (_, e: string) => substitute(e.trim(), values)));
      i++;
    } else if (directive[1] === 'if') {
      const yes = live && truthy(evaluate(directive[2] as string, values));
      i = expand(lines, i + 1, values, out, yes);
      if (/^\s*#else/.test(lines[i] ?? '')) i = expand(lines, i + 1, values, out, live && !yes);
      i = expectEnd(lines, i, 'endif');
    } else if (directive[1] === 'for') {
      const loop = /^(\w+)\s+in\s+(.+?)\.\.(.+)$/.exec(directive[2] as string);
      if (!loop) throw new Error(`expected "#for i in A..B", got "${line}"`);
      const [, name, a, b] = loop as unknown as [string, string, string, string];
      const [first, last] = live ? [Number(evaluate(a, values)), Number(evaluate(b, values))] : [0, 0];
      const after = expand(lines, i + 1, values, [], false);
      for (let n = first; n < last; n++) expand(lines, i + 1, { ...values, [name]: n }, out, true);
      i = expectEnd(lines, after, 'endfor');
    } else return i;
  }
  return i;
}

function expectEnd(lines: readonly string[], i: number, directive: string): number {
  if (!new RegExp(`^\\s*#${directive}\\b`).test(lines[i] ?? ''))
    throw new Error(`expected #${directive}, got "${lines[i] ?? 'the end'}"`);
  return i + 1;
}

const truthy = (v: number | string | boolean): boolean => v !== false && v !== 0 && v !== '';
function substitute(expression: string, values: Values): string {
  const v = evaluate(expression, values);
  return typeof v === 'boolean' ? String(Number(v)) : String(v);
}

/** Numbers, names, ! * / % + - < > == != && || and parentheses. An unknown name is false, so `#if HAS_BIAS` needs no declaration. */
function evaluate(expression: string, values: Values): number | string | boolean {
  const tokens = expression.match(/\d+|[A-Za-z_]\w*|&&|\|\||==|!=|[()!*/%+\-<>]/g) ?? [];
  let at = 0;
  const atom = (): number | string | boolean => {
    const t = tokens[at++];
    if (t === undefined) throw new Error(`"${expression}" ends early`);
    if (t === '(') {
      const v = level(0);
      at++;
      return v;
    }
    if (t === '!') return !truthy(atom());
    return /^\d/.test(t) ? Number(t) : (values[t] ?? false);
  };
  const levels: Record<string, (a: number, b: number) => number | boolean>[] = [
    { '||': (a, b) => truthy(a) || truthy(b) },
    { '&&': (a, b) => truthy(a) && truthy(b) },
    { '<': (a, b) => a < b, '>': (a, b) => a > b },
    { '+': (a, b) => a + b, '-': (a, b) => a - b },
    { '*': (a, b) => a * b, '/': (a, b) => Math.floor(a / b), '%': (a, b) => a % b },
  ];
  const level = (l: number): number | string | boolean => {
    if (l === levels.length) return atom();
    let v = level(l + 1);
    for (;;) {
      const t = tokens[at] ?? '';
      const apply = levels[l]?.[t];
      if (l === 2 && (t === '==' || t === '!=')) {
        at++;
        const word = tokens[at] ?? ''; // right of == a name that is no value stands for itself: A_LAYOUT == row
        const right = /^[A-Za-z_]/.test(word) && !(word in values) ? tokens[at++] : level(l + 1);
        const equal = String(v) === String(right);
        v = t === '==' ? equal : !equal;
      } else if (apply) {
        at++;
        v = apply(Number(v), Number(level(l + 1)));
      } else return v;
    }
  };
  return level(0);
}
