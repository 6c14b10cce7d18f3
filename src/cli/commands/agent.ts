import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { AgentImageReport } from '../../app/agent-image.ts';
import { formatBytes } from '../../util/quantity.ts';
import { addExamples } from '../examples.ts';
import { packagePath, packageVersion } from '../host.ts';
import type { Bind } from '../session.ts';

/** `datawf agent image` */
export function buildImage(command: Command, bind: Bind): void {
  command
    .requiredOption('-o, --output <FILE>', 'where the OCI archive goes')
    .option('--tag <NAME:TAG>', 'what the image is called; localhost/datawf-agent:<version> without');
  addExamples(command, [
    ['datawf agent image -o agent.tar', 'build it; needs no Docker'],
    [
      'datawf agent image -o agent.tar --tag registry.example.org/team/datawf-agent:1',
      'named for a registry; push it with skopeo, crane or podman',
    ],
  ]);
  command.action(
    bind(async (session, _: [], options: { output: string; tag?: string }) => {
      const { host, globals } = session;
      const { buildAgentImage } = await import('../../app/agent-image.ts');
      const version = packageVersion();
      const image = await buildAgentImage({
        to: resolve(host.cwd, globals.dir ?? '.', options.output),
        tag: options.tag ?? `localhost/datawf-agent:${version}`,
        version,
        node: process.execPath,
        bundle: fileURLToPath(packagePath('dist/bundle/agent')),
        path: host.env['PATH'] ?? '',
      });
      session.report(image, imageText(image));
      return undefined;
    }),
  );
}

function imageText({ file, tag, size, architecture, compression, init, reaps }: AgentImageReport): string {
  const lines = [`wrote ${file}: ${tag}, ${architecture}, ${formatBytes(size)} (${compression})`];
  if (!reaps) {
    lines.push(
      `warning: no tini in PATH, so ${init} starts the container: processes that commands leave behind stay as zombies until the pod ends. Install it (apt-get install tini) and build again.`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}
