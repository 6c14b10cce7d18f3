import { workerData } from 'node:worker_threads';
import { checkNext } from './stat-check.ts';
import { tableOf } from './stat-table.ts';

/** What a stat worker is given; all buffers are shared. */
export interface StatWorkerData {
  readonly table: SharedArrayBuffer;
  readonly top: string;
  readonly folderStates: SharedArrayBuffer;
  readonly fileStates: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

const data = workerData as StatWorkerData;
const check = {
  table: tableOf(data.table),
  top: data.top,
  folderStates: new Uint8Array(data.folderStates),
  fileStates: new Uint8Array(data.fileStates),
  control: new Int32Array(data.control),
};
while (checkNext(check)) {
  // Until no chunk is left.
}
