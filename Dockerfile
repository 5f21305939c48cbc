# syntax=docker/dockerfile:1
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python3 -m venv --without-pip /opt/ogp-open-data
COPY requirements-build.lock requirements.lock ./
# What builds stays out of the image: it is installed beside, and only lent to pip by PYTHONPATH.
RUN python3 -m pip install --target /build/tools --require-hashes --only-binary :all: -r requirements-build.lock \
 && PYTHONPATH=/build/tools python3 -m pip --python /opt/ogp-open-data/bin/python install \
    --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN PYTHONPATH=/build/tools python3 -m pip --python /opt/ogp-open-data/bin/python install --no-deps --no-build-isolation .

FROM ${BASE}
# An account with a name: PostgreSQL's initdb refuses a user that the machine does not know.
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/ogp-open-data --create-home ogp-open-data
COPY --from=builder /opt/ogp-open-data /opt/ogp-open-data
ENV PATH=/opt/ogp-open-data/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OGP_DATA_DIR=/var/lib/ogp-open-data
USER ogp-open-data
WORKDIR /var/lib/ogp-open-data
VOLUME /var/lib/ogp-open-data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["ogp-open-data", "serve", "--host", "0.0.0.0", "--port", "8000", "--sample"]
