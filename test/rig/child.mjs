// A command that does what a test tells it: connects to the socket named by its first argument, introduces itself, then
// carries out one JSON line after another and answers each when it is done. See child-control.ts.
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const socket = connect(process.argv[2]);
const say = (value) => socket.write(`${JSON.stringify(value)}\n`);

const steps = {
  print: ({ stream, base64 }, done) =>
    process[stream === 'err' ? 'stderr' : 'stdout'].write(Buffer.from(base64, 'base64'), done),
  write: ({ path, text }, done) => done(writeFileSync(path, text)),
  append: ({ path, text }, done) => done(appendFileSync(path, text)),
  ignore: ({ signal }, done) => done(process.on(signal, () => undefined)),
  // A process that stays behind: in the same group unless detached, connected back too.
  leave: ({ detached }, done) => {
    const left = spawn(process.execPath, [process.argv[1], process.argv[2]], { stdio: 'ignore', detached });
    left.unref();
    done();
  },
  exit: ({ code }) => process.exit(code),
  kill: ({ signal }) => process.kill(process.pid, signal),
};

say({
  hello: process.pid,
  parent: process.ppid,
  cwd: process.cwd(),
  env: process.env,
  argv: process.argv.slice(3),
});
for await (const line of createInterface({ input: socket })) {
  const step = JSON.parse(line);
  await new Promise((resolve) => steps[step.do](step, resolve));
  say({ done: step.do });
}
