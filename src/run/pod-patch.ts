import { invalid } from '../model/problem.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * A pod's specification with a stage's `pod_patch` merged in: objects field by field, lists of named things (containers, volumes,
 * env) by name, other lists are put behind what is there; null removes. Throws `bad-pod-patch` (exit 2) where it isn't an object.
 */
export function patchPodSpec(spec: Json, patch: unknown): Json {
  if (patch === undefined || patch === null) return spec;
  if (!isObject(patch))
    throw invalid('bad-pod-patch', 'pod_patch is no mapping', 'Write it as the specification of a pod.');
  return mergeObjects(spec, patch);
}

/** Whether a patch brings in an image volume, which clusters below 1.35 drop without a word. */
export function hasImageVolume(patch: unknown): boolean {
  const volumes = isObject(patch) ? patch['volumes'] : undefined;
  return Array.isArray(volumes) && volumes.some((volume) => isObject(volume) && 'image' in volume);
}

function mergeObjects(base: Json, patch: Json): Json {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, name);
    else merged[name] = mergeValues(base[name], value);
  }
  return merged;
}

function mergeValues(base: unknown, patch: unknown): unknown {
  if (isObject(base) && isObject(patch)) return mergeObjects(base, patch);
  if (!Array.isArray(base) || !Array.isArray(patch)) return patch;
  const merged: unknown[] = [...(base as unknown[])];
  for (const item of patch as unknown[]) {
    const name = nameOf(item);
    const at = name === undefined ? -1 : merged.findIndex((other) => nameOf(other) === name);
    if (at >= 0) merged[at] = mergeValues(merged[at], item);
    else merged.push(item);
  }
  return merged;
}

function nameOf(item: unknown): unknown {
  return isObject(item) ? (item['name'] ?? item['mountPath']) : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
