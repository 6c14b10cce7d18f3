/** One Job of datawf in a cluster: a line of `ps`. */
export interface JobLine {
  /** ULID of the run that made it. */
  readonly run: string;
  readonly stage: string;
  /** Its name. */
  readonly job: string;
  readonly namespace: string;
  /** `waiting`: none of its pods runs yet. */
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  /** Pods that it has in all, and those that there are now. */
  readonly workers: number;
  readonly active: number;
  /** Who started it. */
  readonly user: string;
  /** RFC 3339. */
  readonly created: string;
}
