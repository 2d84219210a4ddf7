/** `docs/reference/performance-docker.md`. */
export const dockerPage = (
  tableText: string,
  surroundingsText: string,
  rounds: number,
): string => `# Performance beside docker

Berth's \`nerdctl\` beside Debian's docker 20.10 with Debian's containerd. This page is written by \`npm run bench:docker -- --write\`;
\`test/bench/docker\` is what it does.

Both have their stores on the same tmpfs, the same runc, and one network namespace that was made for the run. They take turns, the order changing from
round to round. Time is from the start of the command to its end. *daemon CPU* is that of containerd for Berth and of dockerd for docker.

${tableText}

${surroundingsText}
Medians of ${rounds} rounds; of what takes seconds, a fifth of that.

- *an idle container*: PSS of the shims and what the daemons' own data (Berth's containerd; dockerd and containerd) grew; the container's own process is not in it.
- *run -d of what writes*: from the command's start until \`wait\` says that the container has ended, which is when all is in its log.

## Where it falls short
- *exec*: our client takes some 23 ms until its first call and 12 to 14 for its connection, in a program that has just started; the calls take what docker's take. \`ps\`: the same 40 to 50 ms with no containers at all, and some 35 for three hundred,
  most of them the daemon's, which reads a file for each that has ended.
- *run -d -p at once*: the daemon's processor time is docker's; twenty clients of 80 to 100 ms of processor each are what is more.
`;
