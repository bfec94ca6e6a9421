# One image for all subgraphs and the payment sandbox; the argument names which one a container serves.
FROM python:3.11.14-slim-bookworm AS packages
COPY requirements.runtime.lock /tmp/
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.runtime.lock

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin exchange \
    # Volumes take owner and mode from here when they are first used.
    && install -d -o exchange -g exchange -m 0755 /secrets/postgres /secrets/public \
    && install -d -o exchange -g exchange -m 0700 /var/lib/exchange/files /var/lib/exchange/sandbox \
    && for name in users tasks bids payments reviews notifications locations support sandbox; do \
        install -d -o exchange -g exchange -m 0700 "/secrets/$name"; \
    done
COPY --from=packages /venv /venv
WORKDIR /srv
COPY shared shared
COPY sandbox sandbox
COPY subgraphs subgraphs
COPY deploy/__init__.py deploy/keys.py deploy/
COPY deploy/docker deploy/docker
ENV PATH=/venv/bin:$PATH PYTHONPATH=/srv PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m compileall -q shared sandbox subgraphs deploy
USER exchange
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m", "deploy.docker.serve"]
