import type { AcceptedStage, AcceptReport } from '../model/history-report.ts';
import type { StageReport } from '../model/report.ts';
import { plural } from './format.ts';

/** What `datawf accept` recorded. */
export function acceptText({ dryRun, stages }: AcceptReport): string {
  const lines = stages.map((stage) => stageLine(stage, dryRun));
  const isChanged = stages.some(({ accepted }) => accepted.length > 0);
  if (isChanged && !dryRun) lines.push('Recorded in the lock, to be reviewed and committed like code');
  return `${lines.join('\n')}\n`;
}

function stageLine({ stage, accepted, datums }: AcceptedStage, dryRun: boolean): string {
  if (accepted.length === 0) return `${stage}: nothing to accept, no result of it was made by other code`;
  return `${stage}: ${dryRun ? 'would accept' : 'accepted'} ${plural(datums, 'datum')} of earlier code`;
}

/** Which code made the current results of a stage, where it wasn't the present code alone; a line a fact. */
export function versionLines(
  stage: Pick<StageReport, 'code' | 'codeVersions' | 'accepted'> & {
    readonly state: StageReport['state'] | null;
  },
): readonly string[] {
  const { state, code, codeVersions = {}, accepted = [] } = stage;
  const older = Object.entries(codeVersions).filter(([version]) => version !== code);
  if (older.length === 0) return [];
  const total = Object.values(codeVersions).reduce((sum, count) => sum + count, 0);
  const sum = older.reduce((all, [, count]) => all + count, 0);
  const versions = [...older]
    .sort(([, a], [, b]) => b - a)
    .map(([version, count]) => `${count} by ${short(version)}`);
  const equal = new Set(accepted.flatMap((step) => [step.code, step.as]));
  const isKept = older.some(([version]) => !equal.has(version));
  return [
    `${sum} of ${plural(total, 'datum')} made by earlier code than ${short(code)}: ${versions.join(', ')}${isKept ? ` (${state === 'frozen' ? 'frozen' : 'on_code_change: keep'})` : ''}`,
    ...accepted.map(
      (step) => `${short(step.code)} accepted as ${short(step.as)} by ${step.by}: ${step.reason}`,
    ),
  ];
}

function short(digest: string): string {
  return digest.slice(0, 10);
}
