"""Notice boards (宣传栏)."""
