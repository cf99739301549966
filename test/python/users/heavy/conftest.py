"""Programs that use PyNNDescent, as their own users install them: `npm run test:users`.

What they warn of while they are imported, and of each other, is theirs; a test that is about
warnings turns them into errors for the call it looks at.
"""

import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import anndata
    import bbknn  # noqa: F401
    import openTSNE  # noqa: F401
    import scanpy  # noqa: F401
    import umap  # noqa: F401

from datasets import stored


def pytest_collection_modifyitems(items):
    for item in items:
        if "heavy" in item.path.parts:
            item.add_marker(pytest.mark.filterwarnings("ignore"), append=False)


@pytest.fixture(scope="module")
def loaded():
    """2 638 blood cells: 50 principal components, and their types."""
    rows = stored("pbmc3k_pca")
    made = anndata.AnnData(rows.copy(), obsm={"X_pca": rows.copy()})
    made.obs["type"] = stored("pbmc3k_pca", "y").astype(int).astype(str)
    return made


@pytest.fixture
def cells(loaded):
    return loaded.copy()
