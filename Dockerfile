# The service alone: no PostgreSQL of its own, no `locker dev`, no tests, no build tools.
#   docker build --tag locker --build-arg REVISION="$(git rev-parse HEAD)" .
# By tag, as a digest here would stand still while the base gets its security updates. Who builds
# for production names one: --build-arg BASE=python:3.13-slim@sha256:…
# With what LOCKER_TRACING needs: --build-arg REQUIREMENTS=requirements-otel.txt
# checkov:skip=CKV_DOCKER_7: it has a tag, which stands in the ARG
ARG BASE=python:3.13-slim
FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The dependencies first: they change less often than the code, so the layer stays.
COPY requirements.txt requirements-otel.txt requirements-build.txt ./
ARG REQUIREMENTS=requirements.txt
# Two of them come with 15 MB for debuggers, which a process never reads.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && pip install --require-hashes --requirement requirements-build.txt \
 && python -m venv --without-pip /opt/locker \
 && pip --python /opt/locker/bin/python install --require-hashes --requirement "${REQUIREMENTS}" \
 && find /opt/locker/lib/*/site-packages/asyncpg /opt/locker/lib/*/site-packages/cryptography -name '*.so' \
    -exec strip --strip-unneeded {} +
COPY pyproject.toml README.md LICENSE hypercorn.toml ./
COPY docs/http-api.md docs/
COPY service service
COPY quart-locker/quart_locker quart-locker/quart_locker
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && pip --python /opt/locker/bin/python install --no-deps --no-index dist/*.whl

# `make sbom`: what the image has on top of its base. No part of the image.
FROM build AS listing
COPY requirements-sbom.txt ./
RUN mkdir /sbom && pip install --require-hashes --requirement requirements-sbom.txt \
 && cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
    --output-file /sbom/locker.cdx.json /opt/locker/bin/python
FROM scratch AS sbom
COPY --from=listing /sbom /

FROM ${BASE}
# tini is the first process: it passes signals on, and waits for what others leave behind.
# The standard library comes without compiled code, which a read-only file system can't keep: each
# start would compile it anew, for seconds at half a CPU.
# A number for the user, not a name, so that an orchestrator can see that it isn't root.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
 && python -m compileall -q -j 0 -x '/(site-packages|test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip)/' \
    --invalidation-mode unchecked-hash "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && groupadd --gid 10001 locker \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin locker
COPY --from=build /opt/locker /opt/locker
COPY service/cli/probe.py /opt/locker/
USER 10001:10001
# Nothing is written at run time, so the root file system may be read-only; pip compiled the code.
ENV PATH=/opt/locker/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOCKER_BIND=0.0.0.0:8000
EXPOSE 8000
STOPSIGNAL SIGTERM
# livez and not readyz: what acts on this restarts the container, and that mends no database.
# The same question as `locker health`, without the start of everything that `locker` is.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["/usr/local/bin/python", "-I", "-S", "/opt/locker/probe.py"]
ENTRYPOINT ["tini", "--"]
CMD ["locker", "serve"]
ARG VERSION=0.2.0
ARG REVISION=
LABEL org.opencontainers.image.title="Locker" \
      org.opencontainers.image.description="A shop's login, cart and preferences, as one asyncio service on Quart and PostgreSQL" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
