/**
 * Packages that make up an engine, by the one that has dockerd in it: they are upgraded together, as far as they are
 * installed. One that is not named here is upgraded by itself.
 */
export const engineFamilies: Readonly<Record<string, readonly string[]>> = {
  'docker.io': ['docker-cli', 'containerd', 'runc', 'docker-buildx', 'docker-compose'],
  'docker-ce': [
    'docker-ce-cli',
    'docker-ce-rootless-extras',
    'containerd.io',
    'docker-buildx-plugin',
    'docker-compose-plugin',
  ],
  'moby-engine': ['moby-cli', 'moby-containerd', 'moby-runc', 'moby-buildx', 'moby-compose', 'moby-tini'],
};
