const DURATION = /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$/;

/** Seconds of a duration such as `90s`, `10m`, `1h30m`, `2d`; undefined where the text is none. */
export function parseDuration(text: string): number | undefined {
  const match = text === '' ? null : DURATION.exec(text);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = [1, 2, 3, 4].map((part) => Number(match[part] ?? 0));
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

const BYTES = /^(\d{1,15})(?:\.(\d{1,3}))?(Ki|Mi|Gi|Ti|Pi|k|K|M|G|T|P)?$/;

const FACTOR: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
};

/** Whole bytes of a size in Kubernetes' units (`512Mi`, `2Gi`, `1.5G`, `1000`); undefined where the text is none. */
export function parseBytes(text: string): number | undefined {
  const match = BYTES.exec(text);
  if (match === null) return undefined;
  const bytes = Math.ceil(Number(`${match[1] ?? ''}.${match[2] ?? '0'}`) * (FACTOR[match[3] ?? ''] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const CORES = /^(?:(\d{1,6}(?:\.\d{1,3})?)|(\d{1,9})m)$/;

/** Processor cores in Kubernetes' units (`2`, `0.5`, `500m`); undefined where the text is none. */
export function parseCores(text: string): number | undefined {
  const match = CORES.exec(text);
  if (match === null) return undefined;
  return match[1] === undefined ? Number(match[2]) / 1000 : Number(match[1]);
}

/** Bytes in Kubernetes' units as a person would write them: `512Mi`, `1.5Gi`, `900`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['Ti', 'Gi', 'Mi', 'Ki']) {
    const factor = FACTOR[unit] ?? 1;
    if (bytes >= factor) return `${Math.round((bytes / factor) * 10) / 10}${unit}`;
  }
  return String(Math.round(bytes));
}
