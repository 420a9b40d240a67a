# The service, with the native arithmetic. Built in two steps, so that no compiler is left in the image.
FROM rust:1-slim-bookworm AS native
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /build && /build/bin/pip install --no-cache-dir "maturin>=1.9.4,<2" "setuptools>=77,<90" build
WORKDIR /source
COPY . .
RUN /build/bin/maturin build --release --locked --manifest-path native/Cargo.toml --out /wheels \
    && /build/bin/python -m build --wheel --outdir /wheels .

FROM python:3.11-slim-bookworm
COPY --from=native /wheels /wheels
RUN pip install --no-cache-dir /wheels/zkcollateral_native-*.whl "$(echo /wheels/zkcollateral-*.whl)[api]" \
    && rm -r /wheels \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/zkcollateral zkcollateral
USER 10001
WORKDIR /var/lib/zkcollateral
VOLUME /var/lib/zkcollateral
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["zkcollateral"]
CMD ["serve", "--host", "0.0.0.0"]
