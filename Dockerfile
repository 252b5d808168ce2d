# The service alone: no embedded PostgreSQL, no tests, no build tools.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The dependencies first: they change less often than the code, so the layer stays.
COPY requirements.txt requirements-build.txt ./
RUN pip install --require-hashes --requirement requirements-build.txt \
 && python -m venv --without-pip /opt/locker \
 && pip --python /opt/locker/bin/python install --require-hashes --requirement requirements.txt
COPY pyproject.toml README.md LICENSE hypercorn.toml ./
COPY docs/http-api.md docs/
COPY service service
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && pip --python /opt/locker/bin/python install --no-deps --no-index dist/*.whl

FROM python:3.13-slim
# A number, not a name, so that an orchestrator can see that it isn't root.
RUN groupadd --gid 10001 locker \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin locker
COPY --from=build /opt/locker /opt/locker
USER 10001:10001
# Nothing is written at run time, so the root file system may be read-only; pip compiled the code.
ENV PATH=/opt/locker/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOCKER_BIND=0.0.0.0:8000
EXPOSE 8000
STOPSIGNAL SIGTERM
# livez and not readyz: what acts on this restarts the container, and that mends no database.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["locker", "health"]
CMD ["locker", "serve"]
