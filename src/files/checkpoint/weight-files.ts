// The paths of a diffusers folder in; which of them hold a component's weights out: of all variants one, whole or in all its shards.
import { damaged } from '../safetensors-header.ts';
import { notACheckpoint } from './refusals.ts';
import type { Component } from './stored.ts';

interface WeightsName {
  path: string;
  stem: string; // diffusion_pytorch_model
  variant: string; // fp16, non_ema, or '' for the plain one
  set: string; // the same for all shards of one
  shard: number | null; // from 1
  shards: number;
}

/** A variant's name stands before the shard's number, or (as diffusers wrote it until 2024) behind it. */
const NAME = /^([^.]+?)(?:\.([^/]+?))?(?:-(\d{5})-of-(\d{5}))?(?:\.([^/-]+))?\.safetensors$/;

function parse(path: string): WeightsName | null {
  const [, stem, before, shard, shards, behind] = NAME.exec(path.slice(path.lastIndexOf('/') + 1)) ?? [];
  if (stem === undefined) return null;
  const variant = [before, behind].filter((part) => part !== undefined).join('.');
  const set = `${stem} ${before} ${behind} ${shards}`;
  return { path, stem, variant, set, shard: shard ? Number(shard) : null, shards: Number(shards ?? 0) };
}

/** The plain weights first, then f16, then any but those that were not averaged, which diffusers takes only where it is asked to. */
const rank = ({ stem, variant }: WeightsName, usual: string): number =>
  (stem === usual ? 0 : 4) + (variant === '' ? 0 : variant === 'fp16' ? 1 : /non_ema/.test(variant) ? 3 : 2);

/** Trouble 'not-a-checkpoint' where there is none, 'file-damaged' where shards are missing of every variant. */
export function weightFiles(component: Component, paths: readonly string[]): string[] {
  const here = paths.filter(
    (path) => path.startsWith(`${component}/`) && !path.slice(component.length + 1).includes('/'),
  );
  const usual = component === 'text_encoder' ? 'model' : 'diffusion_pytorch_model';
  const sets = new Map<string, WeightsName[]>();
  for (const name of here.toSorted().flatMap((path) => parse(path) ?? []))
    sets.set(name.set, [...(sets.get(name.set) ?? []), name]);
  const ranked = [...sets.values()].sort((a, b) => rank(a[0] as WeightsName, usual) - rank(b[0] as WeightsName, usual));
  const whole = ranked.find(isWhole) ?? ranked[0];
  if (whole === undefined) {
    const pickle = here.find((path) => /\.(bin|pt|pth|ckpt)$/.test(path));
    if (pickle) throw notACheckpoint(pickle, 'pickle', 'there is no .safetensors beside it');
    throw notACheckpoint(component, 'incomplete', `the folder has no ${component}/${usual}.safetensors`);
  }
  const [first] = whole as [WeightsName];
  if (!isWhole(whole)) throw damaged(first.path, `${first.shards} shards of ${component}`, `${whole.length} of them`);
  return first.shard === null ? [first.path] : whole.map(({ path }) => path);
}

const isWhole = (names: readonly WeightsName[]): boolean => {
  const numbers = new Set(names.map(({ shard }) => shard));
  const { shards } = names[0] as WeightsName;
  return numbers.has(null) || (numbers.size === shards && names.every(({ shard }) => Number(shard) <= shards));
};
