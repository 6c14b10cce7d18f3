import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  acquireLock,
  tryLock,
  type LockHolder,
  type LockRequest,
} from '../../../src/workspace/process-lock.ts';
import { newFolder, problemOf } from './fixture.ts';

function requestIn(folder: string, more: Partial<LockRequest> = {}): LockRequest {
  return {
    file: join(folder, 'datawf/lock'),
    command: 'datawf repro',
    now: () => 1_700_000_000_000,
    patience: 0,
    ...more,
  };
}

function holdingOf(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

/** A lock as another process would have left it. */
function forge(request: LockRequest, fields: Record<string, unknown>): void {
  const lock = tryLock(request);
  const own = holdingOf(request.file);
  lock?.release();
  writeFileSync(request.file, JSON.stringify({ ...own, ...fields }));
}

describe('the lock of a work tree', () => {
  it('is held by one, and free after release', async () => {
    const request = requestIn(newFolder());
    const lock = await acquireLock(request);
    expect(tryLock(request)).toBeUndefined();
    lock.release();
    expect(existsSync(request.file)).toBe(false);
    const again = tryLock(request);
    expect(again).toBeDefined();
    again?.release();
  });

  it('names its holder to those who wait in vain', async () => {
    const request = requestIn(newFolder());
    const lock = await acquireLock(request);
    const waits: LockHolder[] = [];
    const problem = await problemOf(() =>
      acquireLock({ ...request, patience: 1, onWait: (holder) => waits.push(holder) }),
    );
    lock.release();
    expect([problem.code, problem.exit]).toEqual(['locked', 6]);
    for (const word of ['datawf repro', String(process.pid), hostname(), '2023-11-14T22:13:20.000Z']) {
      expect(problem.message).toContain(word);
    }
    expect(waits).toHaveLength(1);
  });

  it('goes to one who waits as soon as it is released', async () => {
    const request = requestIn(newFolder());
    const first = await acquireLock(request);
    const second = await acquireLock({ ...request, patience: 30_000, onWait: () => first.release() });
    expect(tryLock(request)).toBeUndefined();
    second.release();
  });

  it('stops waiting when told to', async () => {
    const request = requestIn(newFolder());
    const lock = await acquireLock(request);
    const stop = new AbortController();
    const waiting = acquireLock({
      ...request,
      patience: 30_000,
      signal: stop.signal,
      onWait: () => stop.abort(new Error('stop')),
    });
    await expect(waiting).rejects.toThrow('stop');
    lock.release();
  });

  it.each([
    ['whose process is dead', () => ({ pid: deadPid() })],
    ['of another boot', () => ({ boot: 'another' })],
    ['whose pid now belongs to another process', () => ({ start: '1' })],
  ])('%s is taken over', (_, fields) => {
    const request = requestIn(newFolder());
    forge(request, fields());
    const lock = tryLock(request);
    expect(lock).toBeDefined();
    lock?.release();
    expect(readdirSync(join(request.file, '..'))).toEqual([]);
  });

  it('that is damaged is taken over', () => {
    const request = requestIn(newFolder());
    mkdirSync(join(request.file, '..'));
    writeFileSync(request.file, '{"pid":');
    const lock = tryLock(request);
    expect(lock).toBeDefined();
    lock?.release();
  });

  it('is taken over also where a taker died over it', () => {
    const request = requestIn(newFolder());
    forge(request, { pid: deadPid() });
    writeFileSync(`${request.file}.break`, readFileSync(request.file));
    const lock = tryLock(request);
    expect(lock).toBeDefined();
    lock?.release();
  });

  it('of another machine is not taken over', async () => {
    const request = requestIn(newFolder());
    forge(request, { host: 'elsewhere', pid: deadPid() });
    const problem = await problemOf(() => acquireLock(request));
    expect(problem.message).toContain('elsewhere');
    expect(problem.hint).toContain(request.file);
  });

  it('is not released by one who lost it', () => {
    const request = requestIn(newFolder());
    const lock = tryLock(request);
    writeFileSync(request.file, JSON.stringify({ ...holdingOf(request.file), token: 'another' }));
    lock?.release();
    expect(existsSync(request.file)).toBe(true);
  });

  it('is free when its process ends by itself, and after kill -9', async () => {
    const request = requestIn(newFolder());
    const script = fileURLToPath(new URL('../../../dist/workspace/process-lock.js', import.meta.url));
    const code = `const { tryLock } = await import(${JSON.stringify(script)});
      const lock = tryLock({ file: ${JSON.stringify(request.file)}, command: 'child', now: () => 0 });
      console.log(lock === undefined ? 'no' : 'held');
      if (process.argv[1] === 'stay') process.stdin.resume();`;
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', code]).stdout.toString()).toBe('held\n');
    expect(existsSync(request.file)).toBe(false);

    const child = spawn(process.execPath, ['--input-type=module', '-e', code, 'stay'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    expect(tryLock(request)).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = tryLock(request);
    expect(lock).toBeDefined();
    lock?.release();
  });
});

function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '0']).pid;
}
