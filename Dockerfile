FROM python:3.13-slim
WORKDIR /app
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY src src
COPY frontend frontend
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
  && useradd --system --home-dir /app timeledger
USER timeledger
CMD ["timeledger", "serve"]
