import { describe, expect, test } from 'vitest';
import { checkStage } from '../../../src/graph/check-stage.ts';
import { parsePipelineFile } from '../../../src/formats/pipeline-file.ts';
import type { RepoPath } from '../../../src/model/repo-path.ts';

function faultsOf(cmd: string) {
  const text = `stages:\n  copy:\n    cmd: ${cmd}\n    deps: {raw: raw.csv}\n    outs: {copy: copy.csv}\n`;
  return parsePipelineFile(text, 'datawf.yaml' as RepoPath).stages.flatMap((stage) => checkStage(stage));
}

describe('a command as a list', () => {
  test('may name deps, outs and what every command sees', () => {
    expect(faultsOf('[cp, $raw, $copy, $TMPDIR, $DATAWF_INPUTS_raw, "$raw.bak"]')).toEqual([]);
  });

  test('that names something unknown is told so with the nearest name', () => {
    const [fault] = faultsOf('[cp, $rwa, $copy]');
    expect(fault?.field).toEqual(['cmd', 1]);
    expect(fault?.problem).toMatchObject({ code: 'unknown-variable', exit: 2, hint: 'Did you mean "raw"?' });
  });

  test('as one text is the shell’s to read', () => {
    expect(faultsOf('cp $rwa $copy')).toEqual([]);
  });
});
